"""``ts.torch_handler.densenet_handler``: its first sample handler, which the base handler has replaced."""

from __future__ import annotations

from tsnb.handlers.base import BaseHandler as DenseNetHandler
from tsnb.handlers.modules import list_classes_from_module

__all__ = ["DenseNetHandler", "list_classes_from_module"]
