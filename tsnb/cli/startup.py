"""The models a server starts with: ``--models`` / ``load_models``, or those of a snapshot (spec 7.11, 7.12)."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from tsnb.config import Config
from tsnb.engine.api import Registration
from tsnb.engine.local import LocalEngine
from tsnb.errors import ConfigError, TsnbError

log = logging.getLogger("tsnb")

T = TypeVar("T")

SUFFIXES = (".mar", ".model", ".tar.gz", ".tgz")
_NAMED = re.compile(r"([A-Za-z0-9][\w.\-]*)=(.+)")


class Said(Struct, frozen=True, rename="camel"):
    """What the settings say of one version of a model; 0 and None mean nothing."""

    mar_name: str = ""
    min_workers: int = 0
    max_workers: int = 0
    batch_size: int | None = None
    max_batch_delay: int | None = None
    response_timeout: float | None = None
    startup_timeout: float | None = None
    runtime_type: str | None = None
    default_version: bool = False


Settings: TypeAlias = dict[str, dict[str, Said]]
"""Model name and version → what is said of it."""


class Snapshot(Struct, frozen=True):
    """The part of a snapshot that counts."""

    models: Settings = {}


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
        return _from_snapshot(_object("model_snapshot", config.model_snapshot, Snapshot).models, config)
    settings = _object("models", config.models, Settings)
    return [_from_item(item, settings, workers) for item in _items(config)]


def _items(config: Config) -> list[str]:
    items = [item.strip() for item in config.load_models.split(",") if item.strip()]
    if [item.lower() for item in items] == ["all"]:
        return sorted(entry.name for entry in Path(config.model_store).iterdir() if _is_archive(entry))
    return items


def _is_archive(entry: Path) -> bool:
    return not entry.name.startswith(".") and (entry.is_dir() or entry.name.endswith(SUFFIXES))


def _from_item(item: str, settings: Settings, workers: int) -> Wanted:
    match = _NAMED.fullmatch(item)
    name, url = (match[1], match[2]) if match else (None, item)
    said = _settings_of(settings, name, os.path.basename(url))
    return _wanted(url, name, said, said.min_workers or workers)


def _settings_of(settings: Settings, name: str | None, archive: str) -> Said:
    """What the key ``models`` says: found by the archive's name, or by the model's where that has one version."""
    for model, versions in settings.items():
        for said in versions.values():
            if said.mar_name == archive and name in (None, model):
                return said
    versions = settings.get(name or "", {})
    return next(iter(versions.values())) if len(versions) == 1 else Said()


def _from_snapshot(models: Settings, config: Config) -> list[Wanted]:
    wanted = []
    for name, versions in models.items():
        for said in versions.values():
            archive = said.mar_name
            if not archive or not (Path(config.model_store) / archive).exists():
                raise ConfigError(
                    f"The snapshot names the archive {archive!r}, which is not in {config.model_store!r}. "
                    "Put it back, or start with --ncs."
                )
            wanted.append(_wanted(archive, name, said, said.min_workers))
    return wanted


def _wanted(url: str, name: str | None, said: Said, workers: int) -> Wanted:
    registration = Registration(
        url=url,
        model_name=name,
        runtime=said.runtime_type,
        batch_size=said.batch_size,
        max_batch_delay=said.max_batch_delay,
        initial_workers=workers,
        response_timeout=said.response_timeout,
        startup_timeout=said.startup_timeout,
        loaded_at_startup=True,
    )
    return Wanted(registration, said.max_workers, said.default_version)


def _object(setting: str, text: str, kind: type[T]) -> T:
    """The JSON object in a setting, empty when it is not set. Raises ConfigError."""
    try:
        return msgspec.json.decode(text or "{}", type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{setting} must be a JSON object of models, versions and their settings: {error}."
        ) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{setting} is not valid JSON: {error}.") from error
