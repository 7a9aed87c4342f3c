"""``ts.metrics.metric_cache_errors``."""

from __future__ import annotations

from tsnb.handlers.metrics import MetricsCacheKeyError

__all__ = ["MetricsCacheKeyError"]
