"""Statements that change a class, a function or a module after it was made.

``Net.forward = faster``, ``@convert.register``, ``setattr(Net, "size", 3)``: the live object has them, its definition
does not. Pure: works on the syntax trees of cells.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tsnb.capture.bindings import is_literal
from tsnb.capture.cells import Cell


class Patch(NamedTuple):
    """A top-level statement that changes ``root``; ``what`` names the change for the user."""

    root: str
    what: str
    cell: Cell
    statement: ast.stmt

    @property
    def portable(self) -> bool:
        """Whether it does the same anywhere: it sets what is written out, or registers a function."""
        if not isinstance(self.statement, ast.Assign | ast.AnnAssign):
            return True
        value = self.statement.value
        return value is not None and (isinstance(value, ast.Lambda | ast.Name | ast.Attribute) or is_literal(value))


def patches(name: str, made: Cell | None, line: int, cells: Sequence[Cell]) -> list[Patch]:
    """What was done to a name after its definition at ``line`` of the cell ``made``, oldest first.

    ``cells`` come newest first; without ``made`` all of them count. Of the same statement run twice the latest counts.
    """
    end = next((at for at, cell in enumerate(cells) if cell is made), len(cells) - 1)
    found: dict[str, Patch] = {}
    for cell in reversed(cells[: end + 1]):
        for statement in cell.statements:
            if cell is made and statement.lineno <= line:
                continue
            for what in _changes(statement, name):
                text = ast.dump(statement)
                found.pop(text, None)
                found[text] = Patch(name, what, cell, statement)
    return list(found.values())


def _changes(statement: ast.stmt, name: str) -> Iterator[str]:
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Delete):
        single = isinstance(statement, ast.AnnAssign | ast.AugAssign)
        targets = [statement.target] if single else statement.targets  # type: ignore[union-attr]
        yield from (ast.unparse(one) for one in targets if isinstance(one, ast.Attribute) and _root(one) == name)
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        calls = [one.func if isinstance(one, ast.Call) else one for one in statement.decorator_list]
        yield from (ast.unparse(one) for one in calls if isinstance(one, ast.Attribute) and _root(one) == name)
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function, given = statement.value.func, statement.value.args
        if isinstance(function, ast.Attribute) and function.attr == "register" and _root(function) == name:
            yield ast.unparse(function)
        elif isinstance(function, ast.Name) and function.id == "setattr" and given and _root(given[0]) == name:
            yield f"setattr({name})"


def _root(node: ast.AST) -> str:
    """The name at the beginning of ``a.b.c``."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
