"""``ts.torch_handler.text_handler``."""

from __future__ import annotations

from tsnb.handlers.text import TextHandler

__all__ = ["TextHandler"]
