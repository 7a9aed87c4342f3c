"""``ts.handler_utils.utils``."""

from __future__ import annotations

from tsnb.handlers.modules import import_class
from tsnb.handlers.streaming import send_intermediate_predict_response

__all__ = ["import_class", "send_intermediate_predict_response"]
