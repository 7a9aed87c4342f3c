"""``%%handler --help`` with nothing below it: IPython refuses an empty cell before the magic can say anything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tsnb.magics.base import Command


class EmptyCells:
    """Makes the line form of a cell magic without a body, which prints the help or says what is missing."""

    def __init__(self, commands: Iterable[Command]) -> None:
        words = "|".join(sorted(word for command in commands for word in command.magics["cell"]))
        self._cell = re.compile(rf"%(%(?:{words})\b[^\n]*\n?)\s*")

    def __call__(self, lines: list[str]) -> list[str]:
        """IPython hands over each cell's lines before it looks for magics."""
        found = self._cell.fullmatch("".join(lines))
        return found[1].splitlines(keepends=True) if found else lines

    def install(self, shell: InteractiveShell) -> None:
        """See every cell from now on."""
        shell.input_transformers_cleanup.append(self)

    def remove(self, shell: InteractiveShell) -> None:
        """See no cell any more."""
        if self in shell.input_transformers_cleanup:
            shell.input_transformers_cleanup.remove(self)
