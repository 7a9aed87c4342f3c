"""Metrics as lines of text, in TorchServe's formats, and back (spec 3.5). Pure."""

from __future__ import annotations

import re

from msgspec import Struct

from tsnb.engine.metric_definitions import Metric

UNITS = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "percent": "Percent",
    "count": "Count",
    "MB": "Megabytes",
    "GB": "Gigabytes",
    "kB": "Kilobytes",
    "B": "Bytes",
    "": "unit",
}
"""Short units and how they are written out (spec 3.6)."""

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f,|#]")
_LINE = re.compile(
    r"(?P<name>[^.:|#]+)\.(?P<unit>[^:|#]+):(?P<value>[^|]+)\|#(?P<pairs>[^|]*)(?:\|#type:(?P<kind>\w+))?\|#hostname:(?P<host>[^|]+?)"
    r"(?:(?:,requestID:(?P<ids>[^|]*?))?,timestamp:(?P<time>\d+)|,(?P<bare>\d+)(?:,(?P<after>[^|:]*))?)\s*"
)
"""A line of a log, or with a bare time (and the requests after it) what TorchServe's Python prints."""


class Line(Struct, frozen=True):
    """What is the same in every line of one series: its text before and after the value."""

    head: str
    tail: str
    adds_up: bool
    """Whether two lines are as good as one with the sum of their values."""
    backend: bool = False
    """Whether it is a handler's: its lines name requests, and go to another file."""

    @classmethod
    def of(cls, metric: Metric, labels: tuple[tuple[str, str], ...], *, backend: bool = False) -> Line:
        """The lines of a metric with these labels, the last of which is the host."""
        pairs = ",".join(f"{name}:{_FORBIDDEN.sub('_', value)}" for name, value in labels[:-1])
        host = labels[-1][1] if labels else ""
        tail = f"|#{pairs}|#hostname:{_FORBIDDEN.sub('_', host)},"
        unit = re.sub(r"[.:|#]", "_", metric.unit)
        return cls(f"{metric.name}.{unit}:", tail, metric.kind == "counter", backend)

    def text(self, value: float, seconds: float, request_id: str = "") -> str:
        """One line, without its end. A handler's line names its requests, ``null`` where there is none."""
        if self.backend:
            return f"{self.head}{value!r}{self.tail}requestID:{request_id or 'null'},timestamp:{int(seconds)}"
        return f"{self.head}{value!r}{self.tail}timestamp:{int(seconds)}"


class Reading(Struct, frozen=True):
    """A line, read. ``dimensions`` leave out the host; ``request_ids`` are empty in lines of the server."""

    name: str
    unit: str
    value: float
    dimensions: tuple[tuple[str, str], ...] = ()
    host: str = ""
    request_ids: tuple[str, ...] = ()
    timestamp: int = 0
    kind: str = ""
    """COUNTER, GAUGE or HISTOGRAM, where the line says so."""


def parse(line: str) -> Reading:
    """Read one line of either log, or as TorchServe's ``ts.metrics`` prints it. Raises ValueError."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"not a metric: {line[:200]!r}")
    pairs = (pair.partition(":") for pair in found["pairs"].split(","))
    ids = found["ids"] or found["after"] or ""
    return Reading(
        found["name"].strip(),
        found["unit"],
        float(found["value"]),
        tuple((name, value) for name, colon, value in pairs if colon),
        found["host"],
        tuple(ids.split(",")) if ids not in ("", "null") else (),
        int(found["time"] or found["bare"]),
        found["kind"] or "",
    )
