"""``ts.torch_handler.request_envelope.kserve``."""

from __future__ import annotations

from tsnb.handlers.envelopes.kserve import KServeEnvelope

__all__ = ["KServeEnvelope"]
