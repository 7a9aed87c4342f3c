"""Small things that published handlers import."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import yaml

F = TypeVar("F", bound=Callable[..., Any])


def get_yaml_config(yaml_file_path: str) -> Any:
    """What a YAML file holds, as plain values."""
    with open(yaml_file_path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def deprecated(
    version: str, replacement: str = "", klass: type[Warning] = PendingDeprecationWarning
) -> Callable[[F], F]:
    """Mark a function that is going away: each call warns, and names what to call instead."""

    def mark(function: F) -> F:
        text = f"{function.__name__} is deprecated since {version}" + (f": use {replacement}" if replacement else "")

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            warnings.warn(text, klass, stacklevel=2)
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return mark
