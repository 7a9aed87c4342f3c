"""``ts.metrics.metric_cache_errors``."""

from __future__ import annotations

from tsnb.handlers.metrics import MetricsCacheKeyError, MetricsCacheTypeError, MetricsCacheValueError
from tsnb.handlers.metrics_files import GeneralMetricsCacheError, MetricsCacheIOError, MetricsCachePyYamlError

__all__ = [
    "GeneralMetricsCacheError",
    "MetricsCacheIOError",
    "MetricsCacheKeyError",
    "MetricsCachePyYamlError",
    "MetricsCacheTypeError",
    "MetricsCacheValueError",
]
