"""``ts.metrics.metrics_store``."""

from __future__ import annotations

from tsnb.handlers.metrics_store import MetricsStore

__all__ = ["MetricsStore"]
