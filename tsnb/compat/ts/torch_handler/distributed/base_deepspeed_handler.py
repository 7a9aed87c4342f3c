"""``ts.torch_handler.distributed.base_deepspeed_handler``."""

from __future__ import annotations

from tsnb.handlers.deepspeed import BaseDeepSpeedHandler

__all__ = ["BaseDeepSpeedHandler"]
