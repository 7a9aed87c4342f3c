"""The models a server starts with: ``--models`` / ``load_models``, or those of a snapshot (spec 7.11, 7.12)."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from tsnb.config import Config
from tsnb.engine.api import Registration
from tsnb.engine.local import LocalEngine
from tsnb.errors import ConfigError, TsnbError

log = logging.getLogger("tsnb")

SUFFIXES = (".mar", ".model", ".tar.gz", ".tgz")
_NAMED = re.compile(r"([A-Za-z0-9][\w.\-]*)=(.+)")


class Wanted(Struct, frozen=True):
    """One model to load: what to register, and what else was said about it."""

    registration: Registration
    max_workers: int = 0
    default: bool = False


async def load_models(engine: LocalEngine, config: Config) -> None:
    """Register them all; their workers start in the background. One that fails is logged and left out.

    Raises ConfigError where the settings themselves make no sense.
    """
    workers = config.default_workers_per_model or len(engine.devices) or os.cpu_count() or 1
    for wanted in plan(config, workers):
        try:
            await _load(engine, wanted)
        except TsnbError as error:
            log.error("Model %s was not loaded: %s", wanted.registration.url, error.message)


async def _load(engine: LocalEngine, wanted: Wanted) -> None:
    done = await engine.register(wanted.registration, wait=False)
    if wanted.max_workers > done.wanted:
        await engine.scale(done.name, done.version, done.wanted, wanted.max_workers)
    if wanted.default:
        await engine.set_default(done.name, done.version)


def plan(config: Config, workers: int) -> list[Wanted]:
    """What to load, in order; ``workers`` each where nothing else is said. Raises ConfigError."""
    if config.model_snapshot:
        return _from_snapshot(_object("model_snapshot", config.model_snapshot).get("models") or {}, config)
    settings = _object("models", config.models)
    return [_from_item(item, settings, workers) for item in _items(config)]


def _items(config: Config) -> list[str]:
    items = [item.strip() for item in config.load_models.split(",") if item.strip()]
    if [item.lower() for item in items] == ["all"]:
        return sorted(entry.name for entry in Path(config.model_store).iterdir() if _is_archive(entry))
    return items


def _is_archive(entry: Path) -> bool:
    return not entry.name.startswith(".") and (entry.is_dir() or entry.name.endswith(SUFFIXES))


def _from_item(item: str, settings: dict[str, Any], workers: int) -> Wanted:
    match = _NAMED.fullmatch(item)
    name, url = (match[1], match[2]) if match else (None, item)
    said = _settings_of(settings, name, os.path.basename(url))
    return _wanted(url, name, said, int(said.get("minWorkers") or workers))


def _settings_of(settings: dict[str, Any], name: str | None, archive: str) -> dict[str, Any]:
    """What the key ``models`` says: found by the archive's name, or by the model's where that has one version."""
    for model, versions in settings.items():
        for said in versions.values():
            if said.get("marName") == archive and name in (None, model):
                return dict(said)
    versions = settings.get(name or "", {})
    return dict(next(iter(versions.values()))) if len(versions) == 1 else {}


def _from_snapshot(models: dict[str, Any], config: Config) -> list[Wanted]:
    wanted = []
    for name, versions in models.items():
        for said in versions.values():
            archive = str(said.get("marName", ""))
            if not archive or not (Path(config.model_store) / archive).exists():
                raise ConfigError(
                    f"The snapshot names the archive {archive!r}, which is not in {config.model_store!r}. "
                    "Put it back, or start with --ncs."
                )
            wanted.append(_wanted(archive, name, said, int(said.get("minWorkers") or 0)))
    return wanted


def _wanted(url: str, name: str | None, said: dict[str, Any], workers: int) -> Wanted:
    registration = Registration(
        url=url,
        model_name=name,
        runtime=said.get("runtimeType"),
        batch_size=said.get("batchSize"),
        max_batch_delay=said.get("maxBatchDelay"),
        initial_workers=workers,
        response_timeout=said.get("responseTimeout"),
        startup_timeout=said.get("startupTimeout"),
        loaded_at_startup=True,
    )
    return Wanted(registration, int(said.get("maxWorkers") or 0), bool(said.get("defaultVersion")))


def _object(setting: str, text: str) -> dict[str, Any]:
    """The JSON object in a setting, empty when it is not set. Raises ConfigError."""
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise ConfigError(f"{setting} is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{setting} must be a JSON object, not {value!r}.")
    return value
