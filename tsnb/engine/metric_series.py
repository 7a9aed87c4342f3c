"""The current values of all metrics, and their Prometheus text (spec 3.1).

A :class:`Series` is one metric with one set of labels. Whoever counts keeps
hold of it: counting is then one addition, on the event loop, without locks.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left
from collections.abc import Iterable

from tsnb.engine.metric_definitions import Metric
from tsnb.engine.metric_lines import Line

log = logging.getLogger("tsnb.metrics")

MAX_METRICS = 1000
"""Metrics that are kept; a handler that invents names without end is cut off here."""
MAX_SERIES = 10_000
"""Label sets of one metric that are kept; a handler that invents labels without end is cut off here."""
MAX_ALL = 50_000
"""Lines on the metrics page; of a histogram each set of labels has many."""
LONGEST = 1000
"""Characters of a label's value that are kept."""
LINGER = 300.0
"""Seconds for which the values of an unregistered model stay: the next scrape still finds them."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, math.inf)
"""Upper bounds of a histogram's buckets, as TorchServe has them."""

Labels = tuple[tuple[str, str], ...]
Owner = tuple[str, str]
"""Model and version that a series belongs to; the version is empty for what all versions share."""


class Series:
    """A counter or a gauge. ``labels`` is their text on the page, ``logged`` whether each change is a log line, too."""

    __slots__ = ("labels", "line", "logged", "owner", "value")
    lines = 1
    """Its lines on the metrics page."""

    def __init__(self, line: Line, labels: str, owner: Owner | None, logged: bool) -> None:
        self.line = line
        self.labels = labels
        self.owner = owner
        self.logged = logged
        self.value = 0.0

    def text(self, name: str) -> str:
        """Its line on the metrics page."""
        return f"{name}{{{self.labels}}} {number(self.value)}\n"


class Histogram(Series):
    """A distribution: how many values were within each bound, and their sum (``value``)."""

    __slots__ = ("counts",)
    lines = len(BUCKETS) + 2

    def __init__(self, line: Line, labels: str, owner: Owner | None, logged: bool) -> None:
        super().__init__(line, labels, owner, logged)
        self.counts = [0] * len(BUCKETS)

    def observe(self, value: float) -> None:
        """One more value."""
        self.counts[bisect_left(BUCKETS, value)] += 1
        self.value += value

    def text(self, name: str) -> str:
        """Its lines on the metrics page: buckets, each with those below it, count and sum."""
        total, lines, labels = 0, [], self.labels
        for bound, count in zip(BUCKETS, self.counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{{labels}le="{number(bound)}",}} {number(total)}\n')
        lines.append(f"{name}_count{{{labels}}} {number(total)}\n{name}_sum{{{labels}}} {number(self.value)}\n")
        return "".join(lines)


class Family:
    """One metric with all its series. ``shown`` says whether it is on the metrics page."""

    def __init__(self, metric: Metric, shown: bool, logged: bool) -> None:
        self.metric = metric
        self.shown = shown
        self.logged = logged
        self.series: dict[Labels, Series] = {}
        self.full = False

    def text(self, wanted: set[str] | None = None) -> str:
        """Everything about it on the metrics page, or the samples with these names, if there are any."""
        name, kind, unit = self.metric.name, self.metric.kind, self.metric.unit
        samples = "".join(series.text(name) for series in self.series.values())
        if wanted is not None:
            if name not in wanted:
                samples = "".join(f"{line}\n" for line in samples.split("\n") if line.partition("{")[0] in wanted)
            if not samples:
                return ""
        return f"# HELP {name} Torchserve prometheus {kind} metric with unit: {unit}\n# TYPE {name} {kind}\n{samples}"


class Registry:
    """All families by name. Times are those of any clock, given by the caller."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}
        self._exposed: set[str] = set()
        self.size = 0
        """Lines of all families together."""
        self._leaving: dict[Owner, float] = {}
        self._told: set[str] = set()

    def add(self, metric: Metric, *, shown: bool, logged: bool) -> Family | None:
        """One more metric; None, told once, where there is no room or one of its names is taken."""
        if len(self.families) >= MAX_METRICS:
            self.tell("", f"more than {MAX_METRICS} metrics: {metric.name} and further ones are dropped")
            return None
        if not self._exposed.isdisjoint(metric.exposed):
            self.tell(metric.name, f"the metric {metric.name} is dropped: another metric has this name")
            return None
        self._exposed.update(metric.exposed)
        family = self.families[metric.name] = Family(metric, shown, logged)
        return family

    def series(self, family: Family, labels: Labels, owner: Owner | None, *, backend: bool = False) -> Series | None:
        """The series of these labels, made if need be; None, told once, where there are too many."""
        found = family.series.get(labels)
        if found is not None:
            found.owner = owner
            return found
        metric = family.metric
        if len(family.series) >= MAX_SERIES or self.size >= MAX_ALL:
            self.tell(metric.name, f"the metric {metric.name} has too many sets of labels; new ones are dropped")
            return None
        kind = Histogram if metric.kind == "histogram" else Series
        text = "".join(f'{label}="{_escape(value)}",' for label, value in labels)
        made = kind(Line.of(metric, labels, backend=backend), text, owner, family.logged)
        family.series[labels] = made
        self.size += made.lines
        return made

    def tell(self, about: str, words: str) -> None:
        """Log something about a metric, once."""
        if about not in self._told and len(self._told) < MAX_METRICS:
            self._told.add(about)
            log.warning("%s", words)

    # --- models that go ---------------------------------------------------------------------------

    def drop(self, name: str, labels: Labels) -> None:
        """Forget one series."""
        family = self.families.get(name)
        gone = family.series.pop(labels, None) if family is not None else None
        if gone is not None:
            self.size -= gone.lines

    def leave(self, owner: Owner, now: float) -> None:
        """A model is gone: what it counted is forgotten after :data:`LINGER` seconds, unless it comes back."""
        self._leaving[owner] = now

    def back(self, owner: Owner) -> None:
        """A model is here (again): its counters go on."""
        self._leaving.pop(owner, None)

    def prune(self, now: float) -> None:
        """Forget what left long enough ago."""
        gone = {owner for owner, since in self._leaving.items() if now - since >= LINGER}
        if not gone:
            return
        for family in self.families.values():
            for labels in [labels for labels, series in family.series.items() if series.owner in gone]:
                self.drop(family.metric.name, labels)
        for owner in gone:
            del self._leaving[owner]

    def drop_empty(self, listed: Iterable[str]) -> list[str]:
        """Forget the metrics without any series but those listed; their names."""
        keep = set(listed)
        gone = [name for name, family in self.families.items() if not family.series and name not in keep]
        for name in gone:
            self._exposed.difference_update(self.families.pop(name).metric.exposed)
        return gone

    # --- reading ----------------------------------------------------------------------------------

    def text(self, wanted: Iterable[str] | None = None) -> str:
        """What is on the metrics page, or the samples of it with these names, in Prometheus text format 0.0.4."""
        names = set(wanted) if wanted is not None else None
        shown = [family for family in self.families.values() if family.shown]
        if names is not None:
            shown = [family for family in shown if not names.isdisjoint(family.metric.exposed)]
        return "".join(family.text(names) for family in shown)


def number(value: float) -> str:
    """A value as Prometheus reads it."""
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
