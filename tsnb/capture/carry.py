"""Which live values can travel into a module, and as what source.

Plain data is frozen as it is now; values that are as good as their definition (a compiled
pattern, a type alias, a device) travel as the statement that made them.
"""

from __future__ import annotations

import ast
import dis
import math
from types import FunctionType
from typing import Any

from tsnb.capture.arrays import array_source, module_of_array

MAX_FROZEN = 20_000
"""Characters of source a frozen constant may take."""

_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(...))

_CONTAINERS = (tuple, list, dict, set, frozenset)
_DEEPEST = 20
_ASKS = {"environ", "environb", "getenv", "getpass", "input"}

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


def frozen(value: Any, modules: set[str] | None = None) -> str | None:
    """The source of a plain value as it is now, or None if it is not one (or too long).

    With ``modules`` arrays and tensors are plain, too: the names of the modules that the source needs are added to it.
    """
    needed: set[str] = set()
    if not _is_plain(value, 0, needed) or (needed and modules is None):
        return None
    try:
        source = _source(value)
    except OverflowError:
        return None
    if len(source) > MAX_FROZEN:
        return None
    if modules is not None:
        modules |= needed
    return source


def _is_plain(value: Any, depth: int, needed: set[str]) -> bool:
    if type(value) in _SCALARS:
        return True
    if module := module_of_array(value):
        needed.add(module)
        return True
    if type(value) not in _CONTAINERS or depth > _DEEPEST or len(value) > MAX_FROZEN:
        return False
    items = [*value, *value.values()] if isinstance(value, dict) else value
    return all(_is_plain(item, depth + 1, needed) for item in items)


def _source(value: Any) -> str:
    """The source of a plain value. Raises OverflowError for an array that cannot be written out."""
    if module_of_array(value):
        written = array_source(value, MAX_FROZEN)
        if written is None:
            raise OverflowError("an array that is too large, or not in this machine's memory as it is")
        return written
    if isinstance(value, tuple):
        return f"({', '.join(map(_source, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_source, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_source(key)}: {_source(item)}' for key, item in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}([{', '.join(sorted(map(_source, value)))}])"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def is_secret(node: ast.AST) -> bool:
    """Whether an expression asks the environment or the user, whose answers no archive should hold."""
    words = {getattr(each, "id", getattr(each, "attr", None)) for each in ast.walk(node)}
    return not words.isdisjoint(_ASKS)


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
