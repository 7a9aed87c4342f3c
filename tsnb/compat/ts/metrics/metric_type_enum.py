"""``ts.metrics.metric_type_enum``."""

from __future__ import annotations

from tsnb.handlers.metrics import MetricTypes

__all__ = ["MetricTypes"]
