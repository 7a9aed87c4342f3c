"""``ts.handler_utils.utils``."""

from __future__ import annotations

from tsnb.handlers.streaming import send_intermediate_predict_response

__all__ = ["send_intermediate_predict_response"]
