"""``ts.metrics.metric_cache_abstract``."""

from __future__ import annotations

from tsnb.handlers.metrics import Metrics as MetricCacheAbstract

__all__ = ["MetricCacheAbstract"]
