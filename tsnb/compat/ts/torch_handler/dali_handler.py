"""``ts.torch_handler.dali_handler``."""

from __future__ import annotations

from tsnb.handlers.dali import DALIHandler

__all__ = ["DALIHandler"]
