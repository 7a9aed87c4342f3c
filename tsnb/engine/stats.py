"""Counters and gauges, and their Prometheus text. A metric is a line in :data:`METRICS`.

Names, labels and the text format are TorchServe's (spec 3.1, 3.4): counters
keep their plain name and labels end with a comma. Counting happens on the
event loop only, so there are no locks.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import psutil
from msgspec import Struct

from tsnb.messages import MetricSample, ModelSpec

Kind = Literal["counter", "gauge", "histogram"]


class Metric(Struct, frozen=True):
    """A metric's name, kind, unit and label names."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]


HOST = ("Level", "Hostname")
MODEL = ("model_name", "model_version", "hostname")

METRICS = [
    Metric("Requests2XX", "counter", "Count", HOST),
    Metric("Requests4XX", "counter", "Count", HOST),
    Metric("Requests5XX", "counter", "Count", HOST),
    Metric("ts_inference_requests_total", "counter", "Count", MODEL),
    Metric("ts_inference_latency_microseconds", "counter", "Microseconds", MODEL),
    Metric("ts_queue_latency_microseconds", "counter", "Microseconds", MODEL),
    Metric("QueueTime", "gauge", "Milliseconds", HOST),
    Metric("WorkerLoadTime", "gauge", "Milliseconds", ("WorkerName", *HOST)),
    Metric("CPUUtilization", "gauge", "Percent", HOST),
    Metric("MemoryUsed", "gauge", "Megabytes", HOST),
    Metric("MemoryAvailable", "gauge", "Megabytes", HOST),
    Metric("MemoryUtilization", "gauge", "Percent", HOST),
    Metric("DiskUsage", "gauge", "Gigabytes", HOST),
    Metric("DiskAvailable", "gauge", "Gigabytes", HOST),
    Metric("DiskUtilization", "gauge", "Percent", HOST),
]

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

MAX_METRICS = 1000
"""Metrics that are kept; a handler that invents names without end is cut off here."""

MAX_SERIES = 10_000
"""Label combinations kept for one metric; a handler that invents labels without end is cut off here."""


class Stats:
    """Every metric's current values."""

    def __init__(self) -> None:
        self.host = socket.gethostname()
        self._metrics = {metric.name: metric for metric in METRICS}
        self._values: dict[str, dict[tuple[str, ...], float]] = {metric.name: {} for metric in METRICS}

    # --- counting ---------------------------------------------------------------------------------

    def add(self, name: str, labels: tuple[str, ...], value: float = 1.0) -> None:
        """Increase a counter."""
        series = self._values[name]
        if labels in series or len(series) < MAX_SERIES:
            series[labels] = series.get(labels, 0.0) + value

    def set(self, name: str, labels: tuple[str, ...], value: float) -> None:
        """Set a gauge."""
        series = self._values[name]
        if labels in series or len(series) < MAX_SERIES:
            series[labels] = value

    def response(self, status: int) -> None:
        """A REST response was sent."""
        name = {2: "Requests2XX", 4: "Requests4XX"}.get(status // 100, "Requests5XX")
        self.add(name, ("Host", self.host))

    def request_accepted(self, model: str, version: str | None) -> None:
        """A prediction was accepted, before queuing; ``default`` stands for no version."""
        self.add("ts_inference_requests_total", (model, version or "default", self.host))

    def job_done(self, spec: ModelSpec, *, queued: float, latency: float) -> None:
        """A request has its answer; times in seconds."""
        labels = (spec.name, spec.version, self.host)
        self.add("ts_inference_latency_microseconds", labels, latency * 1e6)
        self.add("ts_queue_latency_microseconds", labels, queued * 1e6)
        self.set("QueueTime", ("Host", self.host), queued * 1e3)

    def worker_loaded(self, spec: ModelSpec, worker_id: str, seconds: float) -> None:
        """A worker has loaded its model."""
        name = f"W-{worker_id}-{spec.name}_{spec.version}"
        self.set("WorkerLoadTime", (name, "Host", self.host), round(seconds * 1e3))

    def sample(self, sample: MetricSample) -> None:
        """A handler's own measurement; an unknown metric is registered as it comes."""
        labels = (*(value for _, value in sample.dimensions), self.host)
        name = _name(sample.name)
        metric = self._metrics.get(name)
        if metric is None:
            if len(self._metrics) >= MAX_METRICS:
                return
            metric = self._register(name, sample)
        if len(labels) != len(metric.labels):
            return
        if metric.kind == "counter":
            self.add(name, labels, max(0.0, sample.value))
        else:
            self.set(name, labels, sample.value)

    def _register(self, metric_name: str, sample: MetricSample) -> Metric:
        kind: Kind = "counter" if sample.kind == "counter" else "gauge"
        names = (*(_name(name) for name, _ in sample.dimensions), "Hostname")
        metric = Metric(metric_name, kind, " ".join(UNITS.get(sample.unit, sample.unit).split()), names)
        self._metrics[metric.name] = metric
        self._values[metric.name] = {}
        return metric

    # --- reading ----------------------------------------------------------------------------------

    def text(self, wanted: Iterable[str] | None = None) -> str:
        """All metrics, or the named ones, in Prometheus text format 0.0.4."""
        self._look_at_the_machine()
        names = list(self._metrics) if wanted is None else [name for name in wanted if name in self._metrics]
        return "".join(self._metric_text(self._metrics[name]) for name in names)

    def _metric_text(self, metric: Metric) -> str:
        lines = [
            f"# HELP {metric.name} Torchserve prometheus {metric.kind} metric with unit: {metric.unit}",
            f"# TYPE {metric.name} {metric.kind}",
        ]
        for labels, value in self._values[metric.name].items():
            pairs = "".join(f'{name}="{_escape(label)}",' for name, label in zip(metric.labels, labels, strict=True))
            lines.append(f"{metric.name}{{{pairs}}} {value}")
        return "\n".join(lines) + "\n"

    def _look_at_the_machine(self) -> None:
        labels = ("Host", self.host)
        memory = psutil.virtual_memory()
        disk = shutil.disk_usage(os.sep)
        readings = {
            "CPUUtilization": psutil.cpu_percent(interval=None),
            "MemoryUsed": memory.used / 2**20,
            "MemoryAvailable": memory.available / 2**20,
            "MemoryUtilization": memory.percent,
            "DiskUsage": disk.used / 2**30,
            "DiskAvailable": disk.free / 2**30,
            "DiskUtilization": 100 * disk.used / disk.total,
        }
        for name, value in readings.items():
            self.set(name, labels, round(value, 2))


@lru_cache(maxsize=4096)
def _name(text: str) -> str:
    """A metric's or label's name with what Prometheus does not allow replaced by ``_``."""
    return re.sub(r"[^a-zA-Z0-9_:]|^(?=[0-9]|$)", "_", text)


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
