"""Captum, which explains answers, imported when an explanation is asked for."""

from __future__ import annotations

from typing import Any

from tsnb.handlers.needs import needed


def attribution(method: str, *args: Any) -> Any:
    """An object of ``captum.attr.<method>``. Raises RuntimeError without the package captum."""
    return getattr(needed("captum.attr", "captum", "an explanation"), method)(*args)
