"""``ts.protocol.otf_message_handler``."""

from __future__ import annotations

from tsnb.handlers.streaming import send_intermediate_predict_response

__all__ = ["send_intermediate_predict_response"]
