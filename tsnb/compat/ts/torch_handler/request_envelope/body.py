"""``ts.torch_handler.request_envelope.body``."""

from __future__ import annotations

from tsnb.handlers.envelopes.body import BodyEnvelope

__all__ = ["BodyEnvelope"]
