"""``ts.handler_utils.hf_batch_streamer``."""

from __future__ import annotations

from tsnb.handlers.streamers import TextIteratorStreamerBatch

__all__ = ["TextIteratorStreamerBatch"]
