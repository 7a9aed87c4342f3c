"""``ts.torch_handler.request_envelope.json``."""

from __future__ import annotations

from tsnb.handlers.envelopes.json import JSONEnvelope

__all__ = ["JSONEnvelope"]
