"""A cell's text as it goes into the module: magics commented out, ``__future__`` imports moved up."""

from __future__ import annotations

import ast

from tsnb.errors import CaptureError


def python_only(code: str, raw: str) -> tuple[str, list[str]]:
    """The cell's own text without its magic and shell lines, and a notice for each line left out.

    ``code`` is the cell as Python (magics as calls) and ``raw`` the text the user
    typed; both have the same line numbers. Raises SyntaxError, and CaptureError
    for a magic that is part of other code.
    """
    lines = raw.splitlines()
    if _line_count(code) != _line_count(raw):
        raise CaptureError("a magic over several lines cannot be left out of the module: put it in a cell of its own")
    notices = []
    for statement in ast.parse(code).body:
        if _is_magic(statement):
            line = lines[statement.lineno - 1].strip()
            lines[statement.lineno - 1] = f"# left out: {line}"
            notices.append(f"line {statement.lineno} is left out of the module: {line}")
        elif isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for number in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
                lines[number - 1] = f"# moved to the top: {lines[number - 1].strip()}"
        else:
            _refuse_magics(statement, code.splitlines(), lines)
    if lines and lines[0].startswith("%%"):
        lines[0] = f"# {lines[0]}"
    return "\n".join(lines), notices


def _line_count(text: str) -> int:
    return len(text.rstrip("\n").splitlines())


def _refuse_magics(statement: ast.stmt, code: list[str], raw: list[str]) -> None:
    """Raise CaptureError if IPython's syntax stands inside a statement."""
    for number in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
        if code[number - 1] != raw[number - 1] and "get_ipython()" in code[number - 1]:
            raise CaptureError(
                f"line {number} uses IPython's own syntax inside Python code ({raw[number - 1].strip()}): "
                "a worker runs without IPython, use plain Python there"
            )


def _is_magic(statement: ast.stmt) -> bool:
    """``get_ipython().anything(...)`` as a statement of its own."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    function = statement.value.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Call):
        return False
    return isinstance(function.value.func, ast.Name) and function.value.func.id == "get_ipython"
