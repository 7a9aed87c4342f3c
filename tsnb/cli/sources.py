"""Which configuration file counts (spec 7.11)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from tsnb.errors import ConfigError

log = logging.getLogger("tsnb")

LOCAL = Path("config.properties")
"""Read from the current directory where no other is named."""


def config_file(flag: str | None, environ: Mapping[str, str], *, snapshots: bool) -> Path | None:
    """TS_CONFIG_FILE, then the flag, then the newest snapshot, then ./config.properties, then none.

    Raises ConfigError when a file that was named is not there.
    """
    for source, named in (("TS_CONFIG_FILE", environ.get("TS_CONFIG_FILE")), ("--ts-config", flag)):
        if named:
            if not Path(named).is_file():
                raise ConfigError(f"{source}: no such configuration file: {named!r}.")
            return Path(named)
    newest = _newest_snapshot(environ) if snapshots else None
    local = LOCAL if LOCAL.is_file() else None
    if newest is not None and local is not None and local.stat().st_mtime > newest.stat().st_mtime:
        log.warning(
            "%s was changed after the snapshot %s, which counts. Name it with --ts-config, or start with --ncs.",
            local,
            newest,
        )
    return newest or local


def _newest_snapshot(environ: Mapping[str, str]) -> Path | None:
    found = sorted(snapshot_folder(environ).glob("*.cfg"), key=lambda path: (path.stat().st_mtime, path.name))
    return found[-1] if found else None


def snapshot_folder(environ: Mapping[str, str]) -> Path:
    """Where snapshots are written and looked for."""
    return Path(environ.get("LOG_LOCATION") or "logs") / "config"
