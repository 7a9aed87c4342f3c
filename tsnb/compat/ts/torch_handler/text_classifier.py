"""``ts.torch_handler.text_classifier``."""

from __future__ import annotations

from tsnb.handlers.text_classifier import TextClassifier

__all__ = ["TextClassifier"]
