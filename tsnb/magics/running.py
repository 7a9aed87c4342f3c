"""Run the body of a cell magic as IPython runs a cell: same line numbers, same display of the last value."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tsnb.capture.cells import aligned, transformed
from tsnb.magics.errors import from_cell

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def current_cell(running: str | None, word: str, line: str, body: str) -> str:
    """The whole text of the running cell; rebuilt from its parts when the magic was called in another way."""
    raw = (running or "").lstrip("\n")
    if raw.startswith(f"%%{word}") and raw.partition("\n")[2].rstrip() == body.rstrip():
        return raw
    return f"%%{word} {line}".rstrip() + f"\n{body}"


def cell_filename(shell: InteractiveShell, raw: str, number: int) -> str:
    """The file name of a cell's code, which IPython shows as ``Cell In[number]`` from now on."""
    return str(shell.compile.cache(transformed(shell, raw), number, raw_code=raw))


def run(shell: InteractiveShell, raw: str, number: int) -> None:
    """Run the body of ``%%`` cell ``number`` in the user's namespace.

    Line 2 of the cell is line 2 of the code, under the file name IPython gives
    the whole cell, so that tracebacks, ``inspect.getsource`` and the debugger's
    breakpoints all fit. Exceptions show the cell's own frames only.
    """
    code = aligned(shell, raw)
    filename = cell_filename(shell, raw, number)
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    transform: Callable[[ast.AST], ast.Module] = shell.transform_ast
    compiler: Any = shell.compile
    tree = transform(compiler.ast_parse(code, filename))
    shown = tree.body[-1:] if tree.body and isinstance(tree.body[-1], ast.Expr) else []
    first = ast.Module(tree.body[: len(tree.body) - len(shown)], tree.type_ignores)
    try:
        exec(compiler(first, filename, "exec"), shell.user_ns)  # noqa: S102 - the user's own cell
        if shown:
            exec(compiler(ast.Interactive(shown), filename, "single"), shell.user_ns)  # noqa: S102
    except BaseException as error:
        raise from_cell(error, filename, shell) from error.__cause__
