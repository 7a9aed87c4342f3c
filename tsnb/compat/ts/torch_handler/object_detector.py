"""``ts.torch_handler.object_detector``."""

from __future__ import annotations

from tsnb.handlers.object_detector import ObjectDetector

__all__ = ["ObjectDetector"]
