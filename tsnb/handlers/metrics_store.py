"""The metrics API of the first TorchServe releases: some handlers and their tests still use it."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from tsnb.handlers.metrics import TIMES, UNITS, Dimension, Metrics, MetricTypes

logger = logging.getLogger(__name__)


class Units:
    """Short units and how they are written out."""

    def __init__(self) -> None:
        self.units = UNITS


class OldMetric:
    """One value with its dimensions, which can be changed; its text is a log line."""

    def __init__(
        self,
        name: str,
        value: float,
        unit: str,
        dimensions: Iterable[Dimension],
        request_id: str | None = None,
        metric_method: str | Callable[..., Any] | None = None,
    ) -> None:
        self.name = name
        self.value = value
        self.unit = UNITS.get(unit, unit)
        self.dimensions = list(dimensions)
        self.request_id = request_id
        self.metric_method = metric_method

    def update(self, value: float) -> None:
        """Add to a counter, or replace the value."""
        self.value = self.value + value if self.metric_method == "counter" else value

    def reset(self) -> None:
        """Begin at 0 again."""
        self.value = 0

    def __str__(self) -> str:
        pairs = ",".join(map(str, self.dimensions))
        request = f",{self.request_id}" if self.request_id else ""
        host = f"{socket.gethostname()},{int(time.time())}"
        return f"{self.name}.{self.unit}:{self.value}|#{pairs}|#hostname:{host}{request}"

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, for JSON."""
        return {
            "MetricName": self.name,
            "Value": self.value,
            "Unit": self.unit,
            "Dimensions": [each.to_dict() for each in self.dimensions],
            "Timestamp": int(time.time()),
            "HostName": socket.gethostname(),
            "RequestId": self.request_id,
        }


class MetricEncoder(json.JSONEncoder):
    """For ``json.dumps(metrics, cls=MetricEncoder)``."""

    def default(self, obj: Any) -> Any:
        """A metric's or a dimension's dict."""
        return obj.to_dict() if isinstance(obj, (OldMetric, Dimension)) else super().default(obj)


class MetricsStore(Metrics):
    """Counts like :class:`~tsnb.handlers.metrics.Metrics`, and keeps the values in ``store``."""

    def __init__(self, request_ids: Any, model_name: str) -> None:
        super().__init__(model_name)
        self.set_request_ids(request_ids)
        self.store: list[OldMetric] = []
        self._kept: dict[tuple[object, ...], OldMetric] = {}

    def _emit(
        self,
        name: str,
        value: float,
        unit: str,
        dimensions: list[Dimension],
        metric_type: MetricTypes,
        request_id: str | None,
    ) -> None:
        super()._emit(name, value, unit, dimensions, metric_type, request_id)
        key = (name, unit, str(request_id), *map(str, dimensions))
        kept = self._kept.get(key)
        if kept is not None:
            kept.update(value)
            return
        method = None if unit in TIMES else metric_type.value
        self._kept[key] = OldMetric(name, value, unit, dimensions, request_id, method)
        self.store.append(self._kept[key])


def emit_metrics(metrics: Iterable[Any] | None) -> None:
    """Write each metric as a line of the worker's log; those of ``context.metrics`` are counted without it."""
    for metric in metrics or ():
        logger.info("[METRICS]%s", metric)
