"""How a live model may have been built: the calls to try, as source.

Arguments are taken from the cell that assigned the model, and only where they
are plain data. Attributes of the model are no evidence of its arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from tsnb.capture.bindings import is_literal
from tsnb.capture.carry import frozen
from tsnb.capture.cells import Cells

_CHAINED = {"to", "eval", "train", "cuda", "cpu", "float", "half", "double", "bfloat16", "requires_grad_"}
"""Methods that return the model itself."""


def calls(net: Any, expression: str, cells: Cells, namespace: Mapping[str, Any]) -> Iterator[str]:
    """Argument lists to try, ``()`` among them; the one the notebook used comes first."""
    seen = set()
    for call in _assigned(net, expression, cells, namespace):
        if call not in seen:
            seen.add(call)
            yield call
    if "()" not in seen:
        yield "()"


def _assigned(net: Any, expression: str, cells: Cells, namespace: Mapping[str, Any]) -> Iterator[str]:
    for cell in cells.newest_first():
        for binding in reversed(cell.bindings):
            if binding.name == expression and isinstance(binding.node, ast.Assign | ast.AnnAssign):
                call = _call_of(binding.node.value, net, namespace)
                if call is not None:
                    yield call


def _call_of(node: ast.expr | None, net: Any, namespace: Mapping[str, Any]) -> str | None:
    """The arguments of ``Class(...)``, with ``.to(...)`` and its like taken off."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHAINED:
        node = node.func.value
    if not isinstance(node, ast.Call) or _value_of(node.func, namespace) is not type(net):
        return None
    positional = [_argument(argument, namespace) for argument in node.args]
    named = [(keyword.arg, _argument(keyword.value, namespace)) for keyword in node.keywords]
    if None in positional or any(key is None or value is None for key, value in named):
        return None
    return f"({', '.join([*map(str, positional), *(f'{key}={value}' for key, value in named)])})"


def _value_of(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """What a dotted name stands for, without running anything but attribute look-up."""
    if isinstance(node, ast.Name):
        return namespace.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_value_of(node.value, namespace), node.attr, None)
    return None


def _argument(node: ast.expr, namespace: Mapping[str, Any]) -> str | None:
    if is_literal(node):
        return ast.unparse(node)
    if isinstance(node, ast.Name) and node.id in namespace:
        return frozen(namespace[node.id])
    return None
