"""``ts.torch_handler.base_handler``."""

from __future__ import annotations

from tsnb.handlers.base import BaseHandler

__all__ = ["BaseHandler"]
