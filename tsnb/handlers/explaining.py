"""Captum, which explains answers, imported when an explanation is asked for."""

from __future__ import annotations

from typing import Any


def attribution(method: str, *args: Any) -> Any:
    """An object of ``captum.attr.<method>``. Raises RuntimeError without the package captum."""
    try:
        import captum.attr
    except ImportError as error:
        raise RuntimeError("explanations need the package captum: pip install 'tsnb[explain]'") from error
    return getattr(captum.attr, method)(*args)
