"""Who binds a name at the top level of a cell, and how.

Pure: works on syntax trees. A binding points at the *whole* top-level
statement, because that is what can be taken along into a module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["import", "star", "definition", "assignment", "variable", "deletion"]
"""``variable`` is a binding whose value depends on a run: a loop target, ``+=``, ``with … as``."""


@dataclass(frozen=True)
class Binding:
    """One way in which ``statement`` binds ``name``; ``node`` is the inner statement that does it."""

    name: str
    kind: Kind
    statement: ast.stmt
    node: ast.AST


def bindings(tree: ast.Module) -> Iterator[Binding]:
    """Every binding at module level, in the order of the text. A star import binds the name ``*``."""
    for statement in tree.body:
        for name, kind, node in _bound(statement):
            yield Binding(name, kind, statement, node)


def _bound(node: ast.AST) -> Iterator[tuple[str, Kind, ast.AST]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, "definition", node
        yield from _walrus(node.decorator_list)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imported(node)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        yield from _assigned(node)
    elif isinstance(node, ast.Delete):
        yield from ((target.id, "deletion", node) for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, "variable", node
    elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name, "variable", node
    elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _walrus(nodes: list[ast.expr]) -> Iterator[tuple[str, Kind, ast.AST]]:
    for node in nodes:
        yield from _bound(node)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Kind, ast.AST]]:
    for alias in node.names:
        if alias.name == "*":
            yield "*", "star", node
        else:
            yield (
                alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name),
                "import",
                node,
            )


def _assigned(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> Iterator[tuple[str, Kind, ast.AST]]:
    if node.value is None:
        return
    kind: Kind = "variable" if isinstance(node, ast.AugAssign) else "assignment"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                yield inner.id, kind, node
    yield from _bound(node.value)


def harmless(statement: ast.AST) -> bool:
    """Whether a compound statement only chooses between imports, definitions and constants.

    Such an ``if`` or ``try`` can be taken along as a whole.
    """
    if isinstance(statement, ast.If):
        return all(harmless(child) for child in [*statement.body, *statement.orelse])
    if isinstance(statement, ast.Try):
        handlers = [child for handler in statement.handlers for child in handler.body]
        return all(harmless(child) for child in [*statement.body, *handlers, *statement.orelse, *statement.finalbody])
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        return statement.value is not None and is_literal(statement.value)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom | ast.Pass | ast.Raise
    return isinstance(statement, kinds)


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is plain data, written out."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
