"""``ts.context``."""

from __future__ import annotations

from tsnb.handlers.context import Context, RequestProcessor

__all__ = ["Context", "RequestProcessor"]
