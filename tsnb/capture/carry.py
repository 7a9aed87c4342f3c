"""Which live values can travel into a module, and as what source.

Plain data is frozen; values that are as good as their definition (a compiled
pattern, a type alias, a device) travel as the statement that made them.
"""

from __future__ import annotations

import ast
import dis
import math
from types import FunctionType
from typing import Any

MAX_FROZEN = 20_000
"""Characters of source a frozen constant may take."""

_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(...))

_REBUILDABLE = {
    ("re", "Pattern"),
    ("logging", "Logger"),
    ("functools", "partial"),
    ("torch", "device"),
    ("torch", "dtype"),
    ("torch", "Size"),
    ("decimal", "Decimal"),
    ("fractions", "Fraction"),
    ("datetime", "timedelta"),
    ("datetime", "date"),
    ("datetime", "timezone"),
    ("string", "Template"),
    ("types", "GenericAlias"),
    ("types", "UnionType"),
    ("operator", "itemgetter"),
    ("operator", "attrgetter"),
}


def frozen(value: Any) -> str | None:
    """The source of an immutable plain value, or None if it is not one (or too long)."""
    if not _is_immutable(value):
        return None
    source = _source(value)
    return source if len(source) <= MAX_FROZEN else None


def _is_immutable(value: Any) -> bool:
    if type(value) is tuple:
        return all(_is_immutable(item) for item in value)
    return type(value) in _SCALARS


def _source(value: Any) -> str:
    if type(value) is tuple:
        return f"({', '.join(map(_source, value))}{',' * (len(value) == 1)})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def literal_value(node: ast.expr) -> Any:
    """The value of a literal expression."""
    return ast.literal_eval(node)


def same(literal: Any, live: Any) -> bool:
    """Whether a live value is still what the literal says. Types count: ``1`` is not ``True``."""
    return type(literal) is type(live) and repr(literal) == repr(live)


def is_rebuildable(value: Any) -> bool:
    """Whether the statement that made a value makes it again, anywhere, exactly."""
    cls = type(value)
    if isinstance(value, FunctionType | type):
        return True
    if cls.__module__ == "typing":
        return True
    return any((base.__module__, base.__name__) in _REBUILDABLE for base in cls.__mro__) or _is_path(value)


def kept_state(value: Any) -> list[str]:
    """The names that a closure writes outside itself (``nonlocal``): what it remembers between calls."""
    if not isinstance(value, FunctionType):
        return []
    writes = {step.argval for step in dis.get_instructions(value) if step.opname in ("STORE_DEREF", "DELETE_DEREF")}
    return sorted(writes.intersection(value.__code__.co_freevars))


def _is_path(value: Any) -> bool:
    return any(cls.__name__ == "PurePath" for cls in type(value).__mro__)
