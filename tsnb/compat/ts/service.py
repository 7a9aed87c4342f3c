"""``ts.service``: what handlers and their tests import from here."""

from __future__ import annotations

from tsnb.handlers.errors import PredictionException
from tsnb.handlers.metrics_store import emit_metrics
from tsnb.handlers.service import Service

PREDICTION_METRIC = "PredictionTime"

__all__ = ["PREDICTION_METRIC", "PredictionException", "Service", "emit_metrics"]
