"""``ts.handler_utils.timer``."""

from __future__ import annotations

from tsnb.handlers.timing import timed

__all__ = ["timed"]
