"""Snapshots: what is served, written to a file after each change, so that a restart brings it back (spec 7.11)."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from tsnb import properties
from tsnb.config import Config
from tsnb.engine.api import Registration, Scaled
from tsnb.engine.local import LocalEngine
from tsnb.engine.logs import EngineLogs
from tsnb.engine.model_settings import ModelSettings, Settings
from tsnb.engine.sources import is_download
from tsnb.messages import ModelSpec, ModelStatus

log = logging.getLogger(__name__)

KEEP = 100
"""Most ``-snapshot.cfg`` files of one server; older ones are deleted."""

PATHS = ("model_store", "workflow_store")
"""Settings that a snapshot holds in full, so that it is true wherever the server is started."""

Kind: TypeAlias = Literal["startup", "snapshot", "shutdown"]


class Snapshot(Struct, frozen=True, rename="camel"):
    """The value of the key ``model_snapshot``. ``created`` counts milliseconds since 1970."""

    name: str = ""
    model_count: int = 0
    created: int = 0
    models: Settings = {}


class Snapshots:
    """The files of one server: ``<yyyyMMddHHmmssSSS>-<kind>.cfg`` in a folder, each whole or not there at all.

    ``settings`` are the other keys of each file. A disk that refuses is told to the log, once.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self._written: deque[Path] = deque()
        self._refused = False
        self._last = 0.0

    def write(self, kind: Kind, models: Iterable[ModelStatus]) -> Path | None:
        """Write what is served now; None where that was not possible. Blocking."""
        now = self._last = max(time.time(), self._last + 0.001)  # names tell milliseconds apart
        stamp = datetime.fromtimestamp(now)
        name = f"{stamp:%Y%m%d%H%M%S}{stamp.microsecond // 1000:03d}-{kind}.cfg"
        saved = {"model_snapshot": document(name, now, models)}
        try:
            self._replace(name, properties.dump({**self._settings, **saved}))
        except OSError as error:
            self._complain(error)
            return None
        self._refused = False
        self._prune(kind, self._folder / name)
        return self._folder / name

    def _replace(self, name: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=self._folder, prefix=".snapshot-")  # for its owner only
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            os.replace(partial, self._folder / name)
        except BaseException:
            os.unlink(partial)
            raise

    def _complain(self, error: OSError) -> None:
        if not self._refused:
            log.error(
                "No snapshot can be written to %s: %s. After a restart the models are those of the last one. "
                "Set LOG_LOCATION to another folder, or switch snapshots off with --ncs.",
                self._folder,
                error.strerror,
            )
        self._refused = True

    def _prune(self, kind: Kind, path: Path) -> None:
        if kind == "snapshot":
            self._written.append(path)
        while len(self._written) > KEEP:
            self._written.popleft().unlink(missing_ok=True)


def document(name: str, now: float, models: Iterable[ModelStatus]) -> str:
    """The JSON text of a snapshot. Nodes of workflows are left out as in TorchServe."""
    saved: Settings = {}
    for model in models:
        if not model.spec.node:
            saved.setdefault(model.spec.name, {})[model.spec.version] = _saved(model)
    snapshot = Snapshot(name, sum(map(len, saved.values())), int(now * 1000), saved)
    return msgspec.json.format(msgspec.json.encode(snapshot), indent=2).decode()


def _saved(model: ModelStatus) -> ModelSettings:
    spec = model.spec
    return ModelSettings(
        default_version=model.default,
        mar_name=os.path.basename(spec.url.rstrip("/")),
        min_workers=spec.min_workers,
        max_workers=spec.max_workers,
        batch_size=spec.batch_size,
        max_batch_delay=spec.max_batch_delay,
        response_timeout=_short(spec.response_timeout),
        startup_timeout=_short(spec.startup_timeout),
        runtime_type=spec.runtime,
        url=os.path.abspath(spec.url) if "/" in spec.url and not is_download(spec.url) else None,
        handler=_own_handler(spec),
    )


def _short(seconds: float) -> float:
    """Whole seconds without a point, as TorchServe reads them."""
    return int(seconds) if seconds == int(seconds) else seconds


def _own_handler(spec: ModelSpec) -> str | None:
    archived = (spec.manifest.get("model") or {}).get("handler")
    return None if spec.handler == archived else spec.handler


def lasting(config: Config) -> dict[str, str]:
    """The settings that are not the default ones, as a properties file has them."""
    found: dict[str, str] = {}
    for each in fields(Config):
        value: Any = getattr(config, each.name)
        if each.name in PATHS and value:
            found[each.name] = os.path.abspath(value)
        elif value != each.default and each.name != "model_snapshot":
            found[each.name] = _written(value)
    return found


def _written(value: Any) -> str:
    """A setting as TorchServe reads it: numbers that are whole have no point."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(_short(value) if isinstance(value, float) else value)


class SnapshotEngine(LocalEngine):
    """A :class:`LocalEngine` that writes a snapshot after each change of what is served, once it was told to begin."""

    def __init__(self, config: Config, snapshots: Snapshots, logs: EngineLogs = EngineLogs()) -> None:  # noqa: B008 (frozen)
        super().__init__(config, logs)
        self._snapshots = snapshots
        self._begun = False
        self._writing = asyncio.Lock()

    async def begin_snapshots(self) -> None:
        """Write the first; from now on each change writes another."""
        self._begun = True
        await self._write("startup")

    async def end_snapshots(self) -> None:
        """Write the last, if there was a first."""
        await self._write("shutdown")
        self._begun = False

    async def _write(self, kind: Kind) -> None:
        async with self._writing:
            if self._begun:
                models = [status for name in self.models() for status in self.describe(name, "all")]
                await asyncio.to_thread(self._snapshots.write, kind, models)

    async def register(self, registration: Registration, *, wait: bool = True) -> Scaled:
        """Take in an archive and remember it."""
        done = await super().register(registration, wait=wait)
        await self._write("snapshot")
        return done

    async def scale(
        self, name: str, version: str | None, min_workers: int, max_workers: int | None = None, *, wait: bool = False
    ) -> Scaled:
        """Bring the number of workers between two numbers and remember them."""
        done = await super().scale(name, version, min_workers, max_workers, wait=wait)
        await self._write("snapshot")
        return done

    async def unregister(self, name: str, version: str | None = None) -> None:
        """Stop and forget a version, for ever."""
        await super().unregister(name, version)
        await self._write("snapshot")

    async def set_default(self, name: str, version: str) -> None:
        """Let requests without a version go to this one, after a restart, too."""
        await super().set_default(name, version)
        await self._write("snapshot")
