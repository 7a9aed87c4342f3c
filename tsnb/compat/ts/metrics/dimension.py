"""``ts.metrics.dimension``."""

from __future__ import annotations

from tsnb.handlers.metrics import Dimension

__all__ = ["Dimension"]
