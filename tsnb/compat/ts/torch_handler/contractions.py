"""``ts.torch_handler.contractions``."""

from __future__ import annotations

from tsnb.handlers.contractions import CONTRACTION_MAP

__all__ = ["CONTRACTION_MAP"]
