"""``context.metrics``: what a handler wants to have counted (spec 3.6).

Values are collected as :class:`~tsnb.messages.MetricSample` and travel to the
server with the answer of the batch.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterable

from tsnb.messages import MetricSample

logger = logging.getLogger(__name__)

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
TIMES = ("ms", "s")
SIZES = ("MB", "kB", "GB", "B")


class MetricTypes(enum.Enum):
    """The kinds of metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MetricsCacheKeyError(KeyError):
    """No metric of that name and type is known."""


class Dimension:
    """A name and a value that tell samples of one metric apart."""

    def __init__(self, name: str, value: object) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"


class Metric:
    """One metric with fixed dimension names; its samples go to ``samples``."""

    def __init__(
        self,
        metric_name: str,
        unit: str,
        dimension_names: Iterable[str] | None,
        metric_type: MetricTypes,
        samples: list[MetricSample],
    ) -> None:
        self.metric_name = _text(metric_name)
        self.unit = _text(UNITS.get(unit, unit))
        self.dimension_names = [_text(name) for name in dimension_names or ()]
        self.metric_type = metric_type
        self._samples = samples

    def add_or_update(self, value: float, dimension_values: Iterable[object] = (), request_id: str = "") -> None:
        """Report a value; one that makes no sense is logged, never raised."""
        values = [_text(item) for item in dimension_values]
        if len(values) != len(self.dimension_names):
            self._refuse(value, f"dimension values {values} do not match the names {self.dimension_names}")
        elif self.metric_type is MetricTypes.COUNTER and value < 0:
            self._refuse(value, "a counter only goes up")
        else:
            dimensions = tuple(zip(self.dimension_names, values, strict=True))
            self._samples.append(
                MetricSample(
                    self.metric_name, float(value), self.unit, self.metric_type.value, dimensions, request_id or ""
                )
            )

    def update(self, value: float, request_id: str = "", dimensions: Iterable[Dimension] = ()) -> None:
        """Report a value with other dimensions than before (old handlers call this)."""
        found = list(dimensions)
        self.dimension_names = [_text(dimension.name) for dimension in found]
        self.add_or_update(value, [dimension.value for dimension in found], request_id)

    def _refuse(self, value: float, reason: str) -> None:
        logger.error("metric %s: the value %r was dropped: %s", self.metric_name, value, reason)


def _text(value: object) -> str:
    """Text that can travel: a lone surrogate cannot."""
    return str(value).encode("utf-8", "replace").decode()


class Metrics:
    """The metrics of one worker. ``request_ids`` are those of the batch that runs."""

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name
        self.request_ids: dict[int, str] | str | None = None
        self.cache: dict[MetricTypes, dict[str, Metric]] = {kind: {} for kind in MetricTypes}
        self.samples: list[MetricSample] = []

    def set_request_ids(self, request_ids: dict[int, str] | str | None) -> None:
        """Name the requests that the next values belong to."""
        self.request_ids = request_ids

    def take(self) -> tuple[MetricSample, ...]:
        """All samples since the last call."""
        taken = tuple(self.samples)
        self.samples.clear()
        return taken

    def add_metric(
        self,
        name: str,
        value: float,
        unit: str,
        idx: int | None = None,
        dimensions: Iterable[Dimension] | None = None,
        metric_type: MetricTypes = MetricTypes.COUNTER,
    ) -> None:
        """Report a value of any kind; ``idx`` is the request of the batch it belongs to (None: all)."""
        request_id = self._request_id(idx)
        found = self._with_defaults(request_id, dimensions)
        self._emit(name, value, unit, found, metric_type, request_id)

    def add_counter(
        self, name: str, value: float, idx: int | None = None, dimensions: Iterable[Dimension] | None = None
    ) -> None:
        """Count up."""
        self.add_metric(name, value, "count", idx, dimensions, MetricTypes.COUNTER)

    def add_time(
        self,
        name: str,
        value: float,
        idx: int | None = None,
        unit: str = "ms",
        dimensions: Iterable[Dimension] | None = None,
        metric_type: MetricTypes = MetricTypes.GAUGE,
    ) -> None:
        """Report a duration in ``ms`` or ``s``."""
        if unit not in TIMES:
            raise ValueError(f"the unit of a time must be one of {', '.join(TIMES)}, not {unit!r}")
        self.add_metric(name, value, unit, idx, dimensions, metric_type)

    def add_size(
        self,
        name: str,
        value: float,
        idx: int | None = None,
        unit: str = "MB",
        dimensions: Iterable[Dimension] | None = None,
        metric_type: MetricTypes = MetricTypes.GAUGE,
    ) -> None:
        """Report a size in ``MB``, ``kB``, ``GB`` or ``B``."""
        if unit not in SIZES:
            raise ValueError(f"the unit of a size must be one of {', '.join(SIZES)}, not {unit!r}")
        self.add_metric(name, value, unit, idx, dimensions, metric_type)

    def add_percent(
        self,
        name: str,
        value: float,
        idx: int | None = None,
        dimensions: Iterable[Dimension] | None = None,
        metric_type: MetricTypes = MetricTypes.GAUGE,
    ) -> None:
        """Report a percentage."""
        self.add_metric(name, value, "percent", idx, dimensions, metric_type)

    def add_error(self, name: str, value: float, dimensions: Iterable[Dimension] | None = None) -> None:
        """Count an error, with the dimension ``Level:Error``."""
        self._emit(name, value, "", self._with_defaults(None, dimensions), MetricTypes.COUNTER, "")

    def add_metric_to_cache(
        self,
        metric_name: str,
        unit: str,
        dimension_names: Iterable[str] | None = None,
        metric_type: MetricTypes = MetricTypes.COUNTER,
    ) -> Metric:
        """Make a metric without a value yet; one of the same name and type is replaced, with a warning."""
        if metric_name in self.cache[metric_type]:
            logger.warning("the metric %s (%s) is defined again", metric_name, metric_type.value)
        metric = Metric(metric_name, unit, dimension_names, metric_type, self.samples)
        self.cache[metric_type][metric_name] = metric
        return metric

    def get_metric(self, metric_name: str, metric_type: MetricTypes = MetricTypes.COUNTER) -> Metric:
        """A metric that was made before. Raises :class:`MetricsCacheKeyError`."""
        try:
            return self.cache[metric_type][metric_name]
        except KeyError:
            raise MetricsCacheKeyError(
                f"no {metric_type.value} named {metric_name!r}: make it with add_metric_to_cache first"
            ) from None

    def _emit(
        self,
        name: str,
        value: float,
        unit: str,
        dimensions: list[Dimension],
        metric_type: MetricTypes,
        request_id: str | None,
    ) -> None:
        metric = self.cache[metric_type].get(name)
        if metric is None:
            metric = self.add_metric_to_cache(name, unit, [item.name for item in dimensions], metric_type)
        metric.add_or_update(value, [item.value for item in dimensions], request_id or "")

    def _request_id(self, idx: int | None) -> str | None:
        if not isinstance(self.request_ids, dict):
            return self.request_ids
        if idx is not None and idx in self.request_ids:
            return self.request_ids[idx]
        return ",".join(self.request_ids.values())

    def _with_defaults(self, request_id: str | None, dimensions: Iterable[Dimension] | None) -> list[Dimension]:
        found = list(dimensions or ())
        names = {item.name for item in found}
        if request_id is not None and "ModelName" not in names:
            found.append(Dimension("ModelName", self.model_name))
        if "Level" not in names:
            found.append(Dimension("Level", "Error" if request_id is None else "Model"))
        return found
