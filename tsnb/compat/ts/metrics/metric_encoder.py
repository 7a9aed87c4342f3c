"""``ts.metrics.metric_encoder``."""

from __future__ import annotations

from tsnb.handlers.metrics_store import MetricEncoder

__all__ = ["MetricEncoder"]
