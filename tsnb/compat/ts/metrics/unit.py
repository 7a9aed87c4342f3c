"""``ts.metrics.unit``."""

from __future__ import annotations

from tsnb.handlers.metrics_store import Units

__all__ = ["Units"]
