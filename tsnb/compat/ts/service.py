"""``ts.service``: the exception that handlers import from here."""

from __future__ import annotations

from tsnb.handlers.errors import PredictionException

__all__ = ["PredictionException"]
