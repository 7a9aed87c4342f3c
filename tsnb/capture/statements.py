"""Small questions about statements and the values they made."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any


def module_of(node: ast.AST) -> str:
    """The module of a ``from`` import, ``""`` for other nodes."""
    return getattr(node, "module", None) or ""


def star_names(modules: Iterable[str]) -> set[str]:
    """What ``from m import *`` brings, for modules that can be imported."""
    names: set[str] = set()
    for name in modules:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        names.update(getattr(module, "__all__", None) or (one for one in vars(module) if not one.startswith("_")))
    return names


def import_of(name: str, value: Any) -> str | None:
    """The import statement that brings a live module, function or class back, or None."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__}" + (f" as {name}" if value.__name__ != name else "")
    module, qualname = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str) or module == "__main__" or "." in qualname:
        return None
    if getattr(sys.modules.get(module), qualname, None) is not value:
        return None
    return f"from {module} import {qualname}" + (f" as {name}" if qualname != name else "")


def defining_file(value: Any) -> str | None:
    """The file name of the code behind a function or a class, if it can be told."""
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, FunctionType):
        return value.__code__.co_filename
    if isinstance(value, type):
        own = (inspect.unwrap(one) for one in vars(value).values() if isinstance(one, FunctionType))
        prefix = value.__qualname__ + "."
        return next((one.__code__.co_filename for one in own if one.__qualname__.startswith(prefix)), None)
    return None


def spelled(words: str, alias: ast.alias) -> str:
    """An import of one alias."""
    return f"{words} {alias.name}" + (f" as {alias.asname}" if alias.asname else "")


def statement_text(code: str, statement: ast.stmt) -> tuple[int, str]:
    """First line and text of a statement with its decorators."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(node.lineno for node in decorators)])
    last = statement.end_lineno or first
    lines = code.splitlines()[first - 1 : last]
    if lines and (statement.col_offset or len(lines) == 1):
        return first, ast.get_source_segment(code, statement) or "\n".join(lines)
    return first, "\n".join(lines)
