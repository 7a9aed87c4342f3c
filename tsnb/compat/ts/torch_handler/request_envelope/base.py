"""``ts.torch_handler.request_envelope.base``."""

from __future__ import annotations

from tsnb.handlers.envelopes.base import BaseEnvelope

__all__ = ["BaseEnvelope"]
