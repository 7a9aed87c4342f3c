"""``ts.metrics.caching_metric``."""

from __future__ import annotations

from tsnb.handlers.metrics import Metric as CachingMetric

__all__ = ["CachingMetric"]
