"""Which metrics there are: names, kinds, units and labels, from a ``metrics_config`` file (spec 3.3)."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct

from tsnb.errors import ConfigError

Kind = Literal["counter", "gauge", "histogram"]
KINDS: tuple[Kind, ...] = ("counter", "gauge", "histogram")

PACKAGED = Path(__file__).with_name("metrics.yaml")
"""The metrics of a server whose settings name no file."""

LONGEST_NAME = 200
"""Characters of a name that count."""


class Metric(Struct, frozen=True):
    """A metric's name, kind, unit and label names; ``labels`` of a handler's metric end with ``Hostname``."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]

    @property
    def exposed(self) -> tuple[str, ...]:
        """The names that it has on the metrics page."""
        if self.kind != "histogram":
            return (self.name,)
        return (self.name, *(f"{self.name}_{part}" for part in ("bucket", "count", "sum")))


class Definitions(Struct, frozen=True):
    """The metrics of the server, and those of handlers, by name."""

    server: dict[str, Metric]
    model: dict[str, Metric]


class Entry(Struct, frozen=True):
    """One metric as the file has it."""

    name: str
    unit: str
    dimensions: list[str] = []


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """``ts_metrics`` or ``model_metrics``; a kind without entries may stand empty."""

    counter: list[Entry] | None = None
    gauge: list[Entry] | None = None
    histogram: list[Entry] | None = None


class File(Struct, frozen=True):
    """The whole file; ``dimensions`` only holds its anchors."""

    dimensions: Any = None
    ts_metrics: Section | None = None
    model_metrics: Section | None = None


def read(path: str) -> Definitions:
    """The metrics that a file lists; the empty path means :data:`PACKAGED`. Raises ConfigError."""
    where = Path(path) if path else PACKAGED
    try:
        found = msgspec.convert(_yaml(where), File)
    except msgspec.ValidationError as error:
        raise _no_good(where, str(error)) from error
    if found.ts_metrics is None and found.model_metrics is None:
        raise _no_good(where, "it has neither ts_metrics nor model_metrics")
    return Definitions(_metrics(where, found.ts_metrics, ()), _metrics(where, found.model_metrics, ("Hostname",)))


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _no_good(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _no_good(path, "it is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise _no_good(path, " ".join(str(error).split())) from error


def _no_good(path: Path, why: str) -> ConfigError:
    return ConfigError(f"metrics_config={str(path)!r} cannot be used: {why}.")


def _metrics(path: Path, section: Section | None, added: tuple[str, ...]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for kind in KINDS:
        for entry in getattr(section, kind, None) or ():
            if not entry.name or not entry.unit:
                raise _no_good(path, f"a {kind} without a name or a unit: {entry}")
            labels = (*(label_name(each) for each in entry.dimensions), *added)
            metric = Metric(metric_name(entry.name), kind, unit_text(entry.unit), labels)
            if metric.name in found or len(set(labels)) != len(labels):
                raise _no_good(path, f"{entry.name} is listed twice, or has two dimensions of one name")
            found[metric.name] = metric
    return found


@lru_cache(maxsize=4096)
def metric_name(text: str) -> str:
    """A metric's name with what Prometheus does not allow replaced by ``_``."""
    return re.sub(r"[^a-zA-Z0-9_:]|^(?=[0-9]|$)", "_", text[:LONGEST_NAME])


@lru_cache(maxsize=4096)
def label_name(text: str) -> str:
    """A label's name likewise; ``le`` and names that begin with two underscores are not a handler's to give."""
    found = re.sub(r"[^a-zA-Z0-9_]|^(?=[0-9]|$)", "_", text[:LONGEST_NAME])
    return "_le" if found == "le" else re.sub(r"^__+", "_", found)


def unit_text(text: str) -> str:
    """A unit on one line."""
    return " ".join(text[:LONGEST_NAME].split())
