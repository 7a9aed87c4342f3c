"""``ts.service``: what handlers import from here."""

from __future__ import annotations

from tsnb.handlers.errors import PredictionException
from tsnb.handlers.metrics_store import emit_metrics

__all__ = ["PredictionException", "emit_metrics"]
