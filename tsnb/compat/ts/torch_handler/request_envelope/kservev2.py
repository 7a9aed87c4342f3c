"""``ts.torch_handler.request_envelope.kservev2``."""

from __future__ import annotations

from tsnb.handlers.envelopes.kservev2 import KServev2Envelope

__all__ = ["KServev2Envelope"]
