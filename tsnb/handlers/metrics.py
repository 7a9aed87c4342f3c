"""``context.metrics``: what a handler wants to have counted (spec 3.6).

Values are collected as :class:`~tsnb.messages.MetricSample` and travel to the
server with the answer of the batch.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterable

import msgspec

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

MOST = 5000
"""Values that wait for the end of a batch; beyond them those of one metric are put together."""


class MetricTypes(enum.Enum):
    """The kinds of metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MetricsCacheKeyError(KeyError):
    """No metric of that name and type is known."""


class MetricsCacheTypeError(TypeError):
    """A kind of metric was asked for that is no :class:`MetricTypes`."""


class MetricsCacheValueError(ValueError):
    """A unit that this metric cannot have."""


class Dimension:
    """A name and a value that tell samples of one metric apart."""

    def __init__(self, name: str, value: object) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"

    def to_dict(self) -> dict[str, object]:
        """Both, for JSON."""
        return {"Name": self.name, "Value": self.value}


class Samples:
    """The values reported since the last :meth:`take`, not without end."""

    def __init__(self) -> None:
        self._values: list[MetricSample] = []
        self._full = False

    def add(self, sample: MetricSample) -> None:
        """Keep a value; where there are too many, counters are added up and of gauges the last counts."""
        if len(self._values) >= MOST:
            if not self._full:
                self._values = _put_together(self._values)
            if len(self._values) > MOST * 0.9:
                self._tell()
                return
        self._values.append(sample)

    def _tell(self) -> None:
        if not self._full:
            logger.error("more than %d metric values in one batch; the rest of them is dropped", MOST)
        self._full = True

    def take(self) -> tuple[MetricSample, ...]:
        """All of them."""
        taken, self._values, self._full = tuple(self._values), [], False
        return taken


UNATTACHED = Samples()
"""Where metrics report that a handler made by itself; they travel with the next batch as well."""


class Metric:
    """One metric with fixed dimension names; its values go to ``samples``."""

    def __init__(
        self,
        metric_name: str,
        unit: str,
        dimension_names: Iterable[str] | None = None,
        metric_type: MetricTypes = MetricTypes.COUNTER,
        samples: Samples = UNATTACHED,
    ) -> None:
        self.metric_name = _text(metric_name)
        self.unit = _text(UNITS.get(unit, unit))
        self.dimension_names = [_text(name) for name in dimension_names or ()]
        self.metric_type = _kind(metric_type)
        self._samples = samples

    def add_or_update(self, value: float, dimension_values: Iterable[object] = (), request_id: str = "") -> None:
        """Report a value; one that makes no sense is logged, never raised."""
        values = [_text(item) for item in dimension_values]
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            return self._refuse(value, "it is not a number")
        if len(values) != len(self.dimension_names):
            return self._refuse(value, f"dimension values {values} do not match the names {self.dimension_names}")
        if self.metric_type is MetricTypes.COUNTER and not number >= 0:
            return self._refuse(value, "a counter only goes up")
        dimensions = tuple(zip(self.dimension_names, values, strict=True))
        kind = self.metric_type.value
        return self._samples.add(
            MetricSample(self.metric_name, number, self.unit, kind, dimensions, _text(request_id or ""))
        )

    def update(self, value: float, request_id: str = "", dimensions: Iterable[Dimension] = ()) -> None:
        """Report a value with other dimensions than before (old handlers call this)."""
        found = list(dimensions)
        self.dimension_names = [_text(dimension.name) for dimension in found]
        self.add_or_update(value, [dimension.value for dimension in found], request_id)

    def _refuse(self, value: object, reason: str) -> None:
        logger.error("metric %s: the value %.100r was dropped: %s", self.metric_name, value, reason)


def _put_together(samples: Iterable[MetricSample]) -> list[MetricSample]:
    """One value for each metric and set of dimensions; those of a histogram stay as they are."""
    apart: list[MetricSample] = []
    found: dict[tuple[object, ...], MetricSample] = {}
    for sample in samples:
        if sample.kind == MetricTypes.HISTOGRAM.value:
            apart.append(sample)
            continue
        key = (sample.name, sample.kind, sample.unit, sample.dimensions)
        before = found.get(key)
        if before is not None and sample.kind == MetricTypes.COUNTER.value:
            sample = msgspec.structs.replace(sample, value=before.value + sample.value)
        found[key] = sample
    return [*apart, *found.values()]


def _kind(metric_type: object) -> MetricTypes:
    if not isinstance(metric_type, MetricTypes):
        raise MetricsCacheTypeError(f"metric_type must be one of MetricTypes, not {metric_type!r}")
    return metric_type


def _text(value: object) -> str:
    """Text that can travel: a lone surrogate cannot."""
    if type(value) is str and value.isascii():
        return value
    return str(value).encode("utf-8", "replace").decode()


_OF_MODEL = Dimension("Level", "Model")
_USUAL = ["ModelName", "Level"]
"""The dimensions of a value that names none."""


class Metrics:
    """The metrics of one worker. ``request_ids`` are those of the batch that runs."""

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name
        self.request_ids: dict[int, str] | str | None = None
        self.cache: dict[MetricTypes, dict[str, Metric]] = {kind: {} for kind in MetricTypes}
        self._samples = Samples()

    def define(self, metrics: Iterable[tuple[str, str, str, tuple[str, ...]]]) -> None:
        """Make the metrics that the server's metrics_config lists: name, unit, kind and dimension names of each."""
        for name, unit, kind, dimensions in metrics:
            self.add_metric_to_cache(name, unit, dimensions, MetricTypes(kind))

    def set_request_ids(self, request_ids: dict[int, str] | str | None) -> None:
        """Name the requests that the next values belong to."""
        self.request_ids = request_ids

    def take(self) -> tuple[MetricSample, ...]:
        """All samples since the last call."""
        return self._samples.take() + UNATTACHED.take()

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
        if not dimensions and request_id is not None and self._emit_plainly(name, value, metric_type, request_id):
            return
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
            raise MetricsCacheValueError(f"the unit of a time must be one of {', '.join(TIMES)}, not {unit!r}")
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
        if metric_name in self.cache[_kind(metric_type)]:
            logger.warning("the metric %s (%s) is defined again", metric_name, metric_type.value)
        metric = Metric(metric_name, unit, dimension_names, metric_type, self._samples)
        self.cache[metric_type][metric_name] = metric
        return metric

    def get_metric(self, metric_name: str, metric_type: MetricTypes = MetricTypes.COUNTER) -> Metric:
        """A metric that was made before. Raises :class:`MetricsCacheKeyError`."""
        try:
            return self.cache[_kind(metric_type)][metric_name]
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
        metric = self.cache[_kind(metric_type)].get(name)
        if metric is None:
            metric = self.add_metric_to_cache(name, unit, [item.name for item in dimensions], metric_type)
        metric.add_or_update(value, [item.value for item in dimensions], request_id or "")

    def _emit_plainly(self, name: str, value: float, metric_type: MetricTypes, request_id: str) -> bool:
        """The short way of a value with the usual dimensions, of a metric that is known; False if it is none."""
        metric = self.cache[_kind(metric_type)].get(name)
        if metric is None or metric.dimension_names != _USUAL or type(value) is not float or not value >= 0:
            return False
        labels = (("ModelName", _text(self.model_name)), ("Level", "Model"))
        self._samples.add(MetricSample(metric.metric_name, value, metric.unit, metric_type.value, labels, request_id))
        return True

    def _request_id(self, idx: int | None) -> str | None:
        if not isinstance(self.request_ids, dict):
            return self.request_ids if self.request_ids is None else _text(self.request_ids)
        if idx is not None and idx in self.request_ids:
            return self.request_ids[idx]
        return ",".join(self.request_ids.values())

    def _with_defaults(self, request_id: str | None, dimensions: Iterable[Dimension] | None) -> list[Dimension]:
        if not dimensions and request_id is not None:
            return [Dimension("ModelName", self.model_name), _OF_MODEL]
        found = list(dimensions or ())
        names = {item.name for item in found}
        if request_id is not None and "ModelName" not in names:
            found.append(Dimension("ModelName", self.model_name))
        if "Level" not in names:
            found.append(Dimension("Level", "Error" if request_id is None else "Model"))
        return found
