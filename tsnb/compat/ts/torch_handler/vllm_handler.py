"""``ts.torch_handler.vllm_handler``."""

from __future__ import annotations

from tsnb.handlers.vllm_handler import VLLMHandler

__all__ = ["VLLMHandler"]
