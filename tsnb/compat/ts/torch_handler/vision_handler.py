"""``ts.torch_handler.vision_handler``."""

from __future__ import annotations

from tsnb.handlers.vision import VisionHandler

__all__ = ["VisionHandler"]
