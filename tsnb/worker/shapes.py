"""What a stage was given, in a few words: types, shapes, dtypes; never the values."""

from __future__ import annotations

from typing import Any

MAX_ITEMS = 8
MAX_DEPTH = 4


def outline(value: Any, depth: int = 0) -> str:
    """``[{'body': bytearray of 12 bytes}]``, ``Tensor float32 (1, 3, 224, 224) on cpu`` and their like."""
    shape = getattr(value, "shape", None)
    if shape is not None and hasattr(value, "dtype"):
        return _array(value, shape)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{type(value).__name__} of {len(value)} bytes"
    if isinstance(value, str):
        return f"str of {len(value)} characters"
    if isinstance(value, (dict, list, tuple)) and value:
        return _container(value, depth)
    return type(value).__name__ if value is not None else "None"


def _array(value: Any, shape: Any) -> str:
    dtype = str(value.dtype).removeprefix("torch.")
    where = f" on {value.device}" if type(value).__module__.startswith("torch") else ""
    return f"{type(value).__name__} {dtype} {tuple(shape)}{where}"


def _container(value: Any, depth: int) -> str:
    if depth >= MAX_DEPTH:
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, dict):
        parts = [f"{key!r}: {outline(item, depth + 1)}" for key, item in list(value.items())[:MAX_ITEMS]]
        opening, closing = "{}"
    else:
        parts = _sequence(value, depth)
        opening, closing = "()" if isinstance(value, tuple) else "[]"
    if len(value) > MAX_ITEMS and len(parts) == MAX_ITEMS:
        parts.append(f"… {len(value) - MAX_ITEMS} more")
    return f"{opening}{', '.join(parts)}{closing}"


def _sequence(value: Any, depth: int) -> list[str]:
    kinds = {type(item) for item in value}
    if len(value) > 1 and len(kinds) == 1 and kinds <= {int, float, bool}:
        return [f"{len(value)} × {kinds.pop().__name__}"]
    return [outline(item, depth + 1) for item in value[:MAX_ITEMS]]
