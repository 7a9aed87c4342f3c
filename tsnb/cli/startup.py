"""The models a server starts with: ``--models`` / ``load_models``, or those of a snapshot (spec 7.11, 7.12)."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from tsnb.config import Config
from tsnb.engine import model_settings
from tsnb.engine.api import Engine, Registration
from tsnb.engine.model_settings import ModelSettings
from tsnb.engine.snapshot import Snapshot
from tsnb.errors import ConfigError, TsnbError

log = logging.getLogger("tsnb")

SUFFIXES = (".mar", ".model", ".tar.gz", ".tgz")


class Wanted(Struct, frozen=True):
    """One model to load, and whether its version is the default one; None: whatever the key ``models`` says."""

    registration: Registration
    default: bool | None = None


async def load_models(engine: Engine, config: Config, workers: int) -> None:
    """Register them all, with ``workers`` each where nothing else is said; their workers start in the background.

    One that fails is logged and left out. Raises ConfigError where the settings themselves make no sense.
    """
    for wanted in plan(config, workers):
        try:
            await _load(engine, wanted, config)
        except TsnbError as error:
            log.error("Model %s was not loaded: %s", wanted.registration.url, error.message)


async def _load(engine: Engine, wanted: Wanted, config: Config) -> None:
    done = await engine.register(wanted.registration, wait=False)
    default = wanted.default
    if default is None:
        default = model_settings.of(config.models, done.name, done.version).default_version
    if default:
        await engine.set_default(done.name, done.version)


def default_workers(config: Config, gpus: int) -> int:
    """How many workers a model of the command line has (spec 7.4)."""
    return config.default_workers_per_model or gpus or os.cpu_count() or 1


def plan(config: Config, workers: int) -> list[Wanted]:
    """What to load, in order; ``workers`` each where nothing else is said. Raises ConfigError."""
    if config.model_snapshot:
        return _from_snapshot(config)
    model_settings.settings(config.models)
    return [_from_item(item, workers) for item in _items(config)]


def _items(config: Config) -> list[str]:
    items = [item.strip() for item in config.load_models.split(",") if item.strip()]
    if [item.lower() for item in items] == ["all"]:
        return sorted(entry.name for entry in Path(config.model_store).iterdir() if _is_archive(entry))
    return items


def _is_archive(entry: Path) -> bool:
    return not entry.name.startswith(".") and (entry.is_dir() or entry.name.endswith(SUFFIXES))


def _from_item(item: str, workers: int) -> Wanted:
    name, equals, url = item.partition("=")
    if not equals or "://" in name:  # a URL may have an equals sign of its own
        name, url = "", item
    return Wanted(
        Registration(
            url=url, model_name=name or None, fallback_name=stem(url), initial_workers=workers, loaded_at_startup=True
        )
    )


def stem(url: str) -> str:
    """The name of a model whose archive has none: the file's, without its suffix, in letters, digits and ``_``."""
    base = os.path.basename(urlsplit(url).path.rstrip("/"))
    for suffix in SUFFIXES:
        base = base.removesuffix(suffix)
    return re.sub(r"\W", "_", base, flags=re.ASCII)


def _from_snapshot(config: Config) -> list[Wanted]:
    snapshot = model_settings.decode("model_snapshot", config.model_snapshot, Snapshot)
    wanted = [_restored(name, said, config) for name, versions in snapshot.models.items() for said in versions.values()]
    log.info("The models of the snapshot %s come back; load_models and --models do not count.", snapshot.name)
    return wanted


def _restored(name: str, said: ModelSettings, config: Config) -> Wanted:
    archive = said.mar_name
    if said.url is None and not (archive and (Path(config.model_store) / archive).exists()):
        raise ConfigError(
            f"The snapshot names the archive {archive!r}, which is not in {config.model_store!r}. "
            "Put it back, or start with --ncs."
        )
    registration = Registration(
        url=said.url or archive,
        model_name=name,
        handler=said.handler,
        runtime=said.runtime_type,
        batch_size=said.batch_size,
        max_batch_delay=said.max_batch_delay,
        initial_workers=said.min_workers or 0,
        max_workers=said.max_workers,
        response_timeout=said.response_timeout,
        startup_timeout=said.startup_timeout,
        loaded_at_startup=True,
        restored=True,
    )
    return Wanted(registration, bool(said.default_version))
