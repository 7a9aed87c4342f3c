"""The cells that were run, as Python whose line numbers are those the user sees.

From ``%load_ext tsnb`` on, a hook records every cell; older ones come from
IPython's own history. Nothing is parsed before somebody asks.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tsnb.capture.bindings import Binding, bindings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

PYTHON_MAGICS = {"handler", "time", "capture", "prun"}
"""Cell magics whose body runs in the user's namespace and so defines names."""

_CELL_MAGIC = re.compile(r"%%(\w+)[^\n]*\n?")


class Cell:
    """One run of one cell. ``code`` has magics as calls and keeps the line numbers of ``filename``."""

    def __init__(
        self, shell: InteractiveShell, raw: str, number: int | None, cell_id: str | None = None, ran: float = 0.0
    ) -> None:
        self._shell = shell
        self.ran = ran
        """When it ended, in Unix seconds; 0 where nobody knows."""
        self.raw = raw
        self.number = number
        self.cell_id = cell_id

    @property
    def label(self) -> str:
        """How the cell is called in messages: ``cell [3]``."""
        return "cell" if self.number is None else f"cell [{self.number}]"

    @property
    def magic(self) -> str:
        """The word after ``%%``, or ``""``."""
        match = _CELL_MAGIC.match(self.raw.lstrip("\n"))
        return match.group(1) if match else ""

    @cached_property
    def code(self) -> str:
        """The cell as Python, ``""`` for cells in other languages."""
        if not self.magic:
            return transformed(self._shell, self.raw)
        if self.magic not in PYTHON_MAGICS:
            return ""
        raw = self.raw.lstrip("\n")
        return aligned(self._shell, raw)

    @cached_property
    def filename(self) -> str:
        """The file name under which IPython compiles this cell."""
        python = transformed(self._shell, self.raw)
        return str(self._shell.compile.get_code_name(self.raw, python, self.number or 0))

    @cached_property
    def _tree(self) -> ast.Module:
        try:
            return ast.parse(self.code)
        except (SyntaxError, ValueError):
            return ast.Module([], [])

    @property
    def statements(self) -> list[ast.stmt]:
        """The cell's top-level statements; empty when it is no valid Python."""
        return self._tree.body

    @cached_property
    def bindings(self) -> list[Binding]:
        """What the cell binds at its top level; empty when it is no valid Python."""
        return list(bindings(self._tree))


def transformed(shell: InteractiveShell, raw: str) -> str:
    """IPython's syntax as Python: ``%magic``, ``!command`` and ``name?`` become calls."""
    transform: Callable[[str], str] = shell.transform_cell
    return transform(raw)


def aligned(shell: InteractiveShell, raw: str) -> str:
    """A cell with a cell magic as Python: line 1 becomes a comment, every other line keeps its number."""
    first, _, body = raw.partition("\n")
    return transformed(shell, f"# {first}\n{body}\n")


class Cells:
    """All cells of a session, oldest first."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._cells: list[Cell] = []
        self.running: ExecutionInfo | None = None
        """The cell that runs now, as IPython describes it."""

    @property
    def number(self) -> int:
        """The execution count of the running cell. (IPython 9 has raised its counter by then, IPython 8 has not.)"""
        history = self._shell.history_manager
        stored = self.running is not None and self.running.store_history and history is not None
        return len(history.input_hist_raw) - 1 if stored and history else self._shell.execution_count

    def start(self) -> None:
        """Take over IPython's history and record from now on."""
        history: list[str] = self._shell.history_manager.input_hist_raw if self._shell.history_manager else []
        upto = min(len(history), self._shell.execution_count)
        self._cells = [Cell(self._shell, history[number], number) for number in range(1, upto)]
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)

    def stop(self) -> None:
        """Record no more."""
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells)

    def newest_first(self) -> Iterator[Cell]:
        """Every cell run so far, the latest first; the running one is not among them."""
        return reversed(self._cells)

    def _before(self, info: ExecutionInfo) -> None:
        self.running = info

    def _after(self, result: ExecutionResult) -> None:
        self.running = None
        info: Any = result.info
        if result.error_before_exec is None and info is not None and info.raw_cell:
            cell_id = getattr(info, "cell_id", None)
            number = result.execution_count or self._shell.execution_count
            if self._cells and (self._cells[-1].number, self._cells[-1].raw) == (number, info.raw_cell):
                self._cells.pop()  # the cell that loaded the extension is in the history already
            self._cells.append(Cell(self._shell, info.raw_cell, number, cell_id, time.time()))
