"""``ts.torch_handler.image_classifier``."""

from __future__ import annotations

from tsnb.handlers.image_classifier import ImageClassifier

__all__ = ["ImageClassifier"]
