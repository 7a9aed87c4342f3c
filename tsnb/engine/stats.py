"""What is counted, and where it goes: the metrics page, the log files, or both (spec 3.2).

Which metrics there are is said by the file in ``metrics_config``. Counting
happens on the event loop only, so there are no locks; a request costs a few
additions, and as many notes for the log where one is written.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tsnb.config import Config
from tsnb.engine.metric_definitions import Definitions, Metric, label_name, metric_name, read, unit_text
from tsnb.engine.metric_lines import UNITS, Line, Reading, parse
from tsnb.engine.metric_log import MetricLog
from tsnb.engine.metric_series import LONGEST, MAX_ALL, Family, Histogram, Labels, Owner, Registry, Series
from tsnb.messages import MetricSample, ModelSpec
from tsnb.speedups import spent

if TYPE_CHECKING:
    from tsnb.engine.job import Job

log = logging.getLogger("tsnb.metrics")

LEGACY = ("ts_inference_requests_total", "ts_inference_latency_microseconds", "ts_queue_latency_microseconds")
"""What the mode ``legacy`` shows on the metrics page; everything else it logs."""


KINDS = {"COUNTER": "counter", "GAUGE": "gauge", "HISTOGRAM": "histogram"}
"""The kinds of metrics, as printed lines name them."""

_RESPONSES = {2: "Requests2XX", 4: "Requests4XX"}


class Counted(Struct):
    """The counters of the requests that name one version of a model, or none; ``logged``: any is a log line, too."""

    requests: Series
    latency: Series
    queue: Series
    logged: bool


class Stats:
    """Every metric's current values. ``open`` comes first; ``metric_log`` takes what is to be logged."""

    def __init__(self, config: Config, metric_log: MetricLog | None = None) -> None:
        self.host = socket.gethostname()
        self._log = metric_log
        self._put: Callable[..., None] = _not_logged
        self._config = config
        self._mode = config.metrics_mode.lower()
        self._registry = Registry()
        self._defined = Definitions({}, {})
        self._server: dict[str, Family] = {}
        self._model: dict[str, Family] = {}
        # What was looked up before; emptied whenever a series goes.
        self._counted: dict[tuple[str, str | None], Counted] = {}
        self._hosts: dict[str, Series] = {}
        self._responses: dict[int, Series] = {}
        self._sampled: dict[tuple[str, str, tuple[tuple[str, str], ...]], Series] = {}

    def open(self) -> None:
        """Read the list of metrics, and open the log files that the settings ask for. Raises ConfigError."""
        if self._server or self._model:
            return
        if self._log is None and self._config.metrics_location and self._mode != "prometheus":
            self._log = MetricLog.in_folder(Path(self._config.metrics_location))
        if self._log is not None:
            self._put = self._log.put
        self._defined = read(self._config.metrics_config)
        for metrics, families in ((self._defined.server, self._server), (self._defined.model, self._model)):
            for metric in metrics.values():
                family = self._registry.add(metric, **self._places(metric.name))
                if family is not None:
                    families[metric.name] = family
        if self._mode == "log" and self._log is None:
            log.warning("metrics_mode=log, but no folder is named in metrics_location: no metrics are kept")

    def close(self) -> None:
        """Write what is left."""
        if self._log is not None:
            self._log.close()

    def _places(self, name: str) -> dict[str, bool]:
        """Where a metric goes in this mode."""
        legacy = self._mode == "legacy"
        shown = name in LEGACY if legacy else self._mode != "log"
        logged = name not in LEGACY if legacy else self._mode != "prometheus"
        return {"shown": shown, "logged": logged and self._log is not None}

    # --- counting: the server ---------------------------------------------------------------------

    def response(self, status: int, count: int = 1) -> None:
        """So many REST responses with this status were sent."""
        series = self._responses.get(status)
        if series is None:
            series = self._responses[status] = self._of_host(_RESPONSES.get(status // 100, "Requests5XX"))
        if series.logged:
            for _ in range(count):
                self._count(series, 1.0)
        else:
            series.value += count

    def accept(self, model: str, version: str | None, count: int = 1) -> Counted:
        """Predictions were accepted, before queuing; what is returned counts their answers.

        The label of the version is ``default`` where the request named none.
        """
        found = self._counted.get((model, version))
        if found is None:
            labels, owner = (model, version or "default", self.host), (model, version or "")
            requests, latency, queue = (self._series(name, labels, owner) for name in LEGACY)
            logged = any(each.logged for each in (requests, latency, queue, self._of_host("QueueTime")))
            found = Counted(requests, latency, queue, logged)
            self._counted[model, version] = found
        if found.logged:
            for _ in range(count):
                self._count(found.requests, 1.0)
        else:
            found.requests.value += count
        return found

    def answered(self, jobs: Sequence[Job], now: float) -> tuple[float, float, int]:
        """The requests of a batch have their answers: seconds in all, the longest of them, and how many failed."""
        total, longest, queued, last, failed, counted = spent(jobs, now)
        if counted is None or counted.logged:
            self._each_answered(jobs, now)
        else:
            counted.latency.value += total * 1e6
            counted.queue.value += queued * 1e6
        self._of_host("QueueTime").value = last * 1e3
        return total, longest, failed

    def batch_done(self, overhead: float) -> None:
        """A batch has its answers, ``overhead`` seconds of which were not the handler's."""
        self._set(self._of_host("WorkerThreadTime"), max(0.0, overhead * 1e3))

    def _each_answered(self, jobs: Sequence[Job], now: float) -> None:
        for job in jobs:
            queued, counted = job.taken - job.created, job.counted
            if counted is not None:
                self._count(counted.latency, (now - job.created) * 1e6)
                self._count(counted.queue, queued * 1e6)
            if counted is not None and counted.logged:
                self._set(self._of_host("QueueTime"), queued * 1e3)

    def worker_loaded(self, spec: ModelSpec, worker_id: str, seconds: float) -> None:
        """A worker has loaded its model."""
        series = self._series("WorkerLoadTime", self._worker(spec, worker_id), (spec.name, spec.version))
        self._set(series, float(round(seconds * 1e3)))

    def worker_gone(self, spec: ModelSpec, worker_id: str) -> None:
        """A worker has ended: what was said of it is no longer true."""
        family = self._server.get("WorkerLoadTime")
        labels = self._worker(spec, worker_id)
        if family is not None and len(labels) == len(family.metric.labels):
            self._registry.drop("WorkerLoadTime", tuple(zip(family.metric.labels, labels, strict=True)))

    def _worker(self, spec: ModelSpec, worker_id: str) -> tuple[str, ...]:
        return f"W-{worker_id}-{spec.name}_{spec.version}", "Host", self.host

    def system(self, found: Iterable[Reading]) -> None:
        """The machine was measured."""
        now = time.time()
        for reading in found:
            values = (*(value for _, value in reading.dimensions), reading.host or self.host)
            self._change(self._series(reading.name, values, None), reading.value, now)
        self._forget(time.monotonic())

    def _of_host(self, name: str) -> Series:
        found = self._hosts.get(name)
        if found is None:
            found = self._hosts[name] = self._series(name, ("Host", self.host), None)
        return found

    def _series(self, name: str, values: tuple[str, ...], owner: Owner | None) -> Series:
        """A metric of the server with these labels, by position; a throwaway where it is not to be counted."""
        family = self._server.get(name)
        if family is None:
            return _nowhere()
        names = family.metric.labels
        if len(names) != len(values):
            self._registry.tell(name, f"the metric {name} needs {len(values)} dimensions, but is listed with {names}")
            return _nowhere()
        labels = tuple(zip(names, (value[:LONGEST] for value in values), strict=True))
        return self._registry.series(family, labels, owner) or _nowhere()

    # --- counting: handlers -----------------------------------------------------------------------

    def sample(self, sample: MetricSample, model: str) -> None:
        """A handler's own measurement. In the mode ``both`` an unknown metric is registered as it comes."""
        key = (model, sample.name, sample.dimensions)
        series = self._sampled.get(key)
        if series is None:
            series = self._series_of(sample, (model, ""))
            if len(self._sampled) >= MAX_ALL:
                self._sampled.clear()
            self._sampled[key] = series
        self._change(series, sample.value, time.time(), sample.request_id)

    def printed(self, line: str, model: str) -> bool:
        """Count a measurement that a handler printed (spec 3.5); False, told once, where that cannot be done."""
        try:
            found = parse(line.strip())
        except ValueError as error:
            self._registry.tell("[METRICS]", f"a handler of {model} printed a [METRICS] line that is {error}")
            return False
        kind = KINDS.get(found.kind)
        if kind is None and metric_name(found.name) not in self._model:
            words = "which metrics_config does not list, without #type:COUNTER, GAUGE or HISTOGRAM: it is not counted"
            self._registry.tell(found.name, f"a handler of {model} printed the metric {found.name}, {words}")
            return False
        ids = ",".join(found.request_ids)
        self.sample(MetricSample(found.name, found.value, found.unit, kind or "", found.dimensions, ids), model)
        return True

    def _series_of(self, sample: MetricSample, owner: Owner) -> Series:
        name = metric_name(sample.name)
        family = self._model.get(name)
        if family is None:
            family = self._detect(name, sample)
            if family is None:
                return _nowhere()
        labels = self._labels(family, sample)
        if labels is None:
            return _nowhere()
        return self._registry.series(family, labels, owner, backend=True) or _nowhere()

    def _detect(self, name: str, sample: MetricSample) -> Family | None:
        if self._mode != "both" and not self._config.model_metrics_auto_detect:
            self._registry.tell(
                name, f"the metric {name} is dropped: metrics_config does not list it (model_metrics_auto_detect)"
            )
            return None
        kind = sample.kind if sample.kind in ("gauge", "histogram") else "counter"
        metric = Metric(name, kind, unit_text(UNITS.get(sample.unit, sample.unit)) or "unit", ())  # type: ignore[arg-type]
        family = self._registry.add(metric, **self._places(name))
        if family is not None:
            self._model[name] = family
        return family

    def _labels(self, family: Family, sample: MetricSample) -> Labels | None:
        """The labels of a handler's series: those of the list by position, or as they come."""
        values = tuple(value[:LONGEST] for _, value in sample.dimensions)
        names = family.metric.labels
        if family.metric.name not in self._defined.model:
            own = {label_name(name): value for (name, _), value in zip(sample.dimensions, values, strict=True)}
            own.pop("Hostname", None)
            return (*own.items(), ("Hostname", self.host))
        if len(names) != len(values) + 1:
            given = [name for name, _ in sample.dimensions]
            self._registry.tell(
                family.metric.name, f"the metric {family.metric.name} is listed with {names}, but came with {given}"
            )
            return None
        return tuple(zip(names, (*values, self.host), strict=True))

    def listed(self) -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
        """Name, unit, kind and dimension names of each metric of handlers that the file lists."""
        return tuple((each.name, each.unit, each.kind, each.labels[:-1]) for each in self._defined.model.values())

    # --- one change -------------------------------------------------------------------------------

    def _count(self, series: Series, amount: float) -> None:
        series.value += amount
        if series.logged:
            self._put(time.time(), series.line, amount)

    def _set(self, series: Series, value: float) -> None:
        series.value = value
        if series.logged:
            self._put(time.time(), series.line, value)

    def _change(self, series: Series, value: float, wall: float, request_id: str = "") -> None:
        """Count, set or observe, as the metric's kind says; what makes no sense is told once and left out."""
        if isinstance(series, Histogram):
            if math.isnan(value):
                return self._refuse(series, value)
            series.observe(value)
        elif not series.line.adds_up:
            series.value = value
        elif 0 <= value < math.inf:
            series.value += value
        else:
            return self._refuse(series, value)
        if series.logged:
            self._put(wall, series.line, value, request_id)
        return None

    def _refuse(self, series: Series, value: float) -> None:
        name = series.line.head.split(".")[0]
        if name:
            self._registry.tell(name + " value", f"the metric {name} was given {value}; such values are left out")

    # --- models that come and go ------------------------------------------------------------------

    def model_added(self, name: str, version: str) -> None:
        """A version is registered: what was counted of it before goes on, if it is still there."""
        for owner in ((name, version), (name, "")):
            self._registry.back(owner)

    def model_removed(self, name: str, version: str, *, last: bool) -> None:
        """A version is unregistered; ``last`` if no other has its name. Its values stay for a last scrape."""
        now = time.monotonic()
        self._registry.leave((name, version), now)
        if last:
            self._registry.leave((name, ""), now)

    def _forget(self, now: float) -> None:
        before = self._registry.size
        self._registry.prune(now)
        if self._registry.size == before:
            return
        for name in self._registry.drop_empty((*self._defined.server, *self._defined.model)):
            self._model.pop(name, None)
        for looked_up in (self._counted, self._hosts, self._responses, self._sampled):
            looked_up.clear()

    # --- reading ----------------------------------------------------------------------------------

    def text(self, wanted: Iterable[str] | None = None) -> str:
        """The metrics page, or the named metrics of it, in Prometheus text format 0.0.4."""
        self._forget(time.monotonic())
        return self._registry.text(wanted)


def _not_logged(*_: object) -> None:
    """Where values go when there is no log."""


@lru_cache(maxsize=1)
def _nowhere() -> Series:
    """What is counted when nothing is to be counted."""
    return Series(Line("", "", adds_up=False), "", None, logged=False)
