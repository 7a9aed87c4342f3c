"""``ts.metrics.metric_abstract``."""

from __future__ import annotations

from tsnb.handlers.metrics import Metric as MetricAbstract

__all__ = ["MetricAbstract"]
