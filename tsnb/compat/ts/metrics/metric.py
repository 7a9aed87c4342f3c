"""``ts.metrics.metric``."""

from __future__ import annotations

from tsnb.handlers.metrics_store import OldMetric as Metric

__all__ = ["Metric"]
