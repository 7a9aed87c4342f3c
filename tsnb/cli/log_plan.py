"""Which log goes where: five logs, each to files and to the console, in a layout of its own (spec 7.13)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from tsnb.engine.log_files import KEEP, SIZE
from tsnb.engine.log_layout import BARE, STANDARD, Layout

OFF = logging.CRITICAL + 10
"""A level that no line has."""

Spot: TypeAlias = tuple[Path | None, Layout]
"""A file, or the console (None), and how lines look there."""


class Sink(Struct, frozen=True):
    """Where the lines of one log go, from which level on."""

    level: int
    spots: tuple[Spot, ...] = ()

    @property
    def on_console(self) -> bool:
        """Whether some of it is on the console."""
        return any(path is None for path, _ in self.spots)


class Limits(Struct, frozen=True):
    """When a file is packed away, in bytes, and how many packed ones are kept."""

    size: int = SIZE
    keep: int = KEEP


class LogPlan(Struct, frozen=True):
    """All logs. ``server`` holds the server's own words; ``limits`` are those of files that have some."""

    server: Sink
    access: Sink
    model: Sink
    ts_metrics: Sink
    model_metrics: Sink
    limits: dict[Path, Limits] = {}


def default_plan(logs: Path | None, metrics: Path | None) -> LogPlan:
    """TorchServe's files in these two folders; but metrics are in their files only, not on the console as well."""
    standard, bare = Layout(STANDARD), Layout(BARE)

    def sink(name: str, folder: Path | None, layout: Layout, console: bool = True) -> Sink:
        files: tuple[Spot, ...] = ((folder / f"{name}.log", layout),) if folder is not None else ()
        return Sink(logging.INFO, (*files, (None, layout)) if console else files)

    return LogPlan(
        server=sink("ts_log", logs, standard),
        access=sink("access_log", logs, bare),
        model=sink("model_log", logs, standard),
        ts_metrics=sink("ts_metrics", metrics, bare, console=False),
        model_metrics=sink("model_metrics", metrics, bare, console=False),
    )
