"""``ts.torch_handler.trt_llm_handler``."""

from __future__ import annotations

from tsnb.handlers.trt_llm_handler import TRTLLMHandler

__all__ = ["TRTLLMHandler"]
