"""``%%handler NAME``: the cell runs here, and becomes a module that a worker can import."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tsnb.capture.cell import Draft, finish, prepare
from tsnb.capture.module import write
from tsnb.errors import CaptureError
from tsnb.magics.base import (
    Command,
    argument,
    arguments,
    cell_magic,
    friendly,
    magics_class,
    no_var_expand,
    parse,
    split,
)
from tsnb.magics.errors import wrong_syntax
from tsnb.magics.running import cell_filename, current_cell, run
from tsnb.magics.views import CapturedView


@magics_class
class HandlerMagic(Command):
    """``%%handler``."""

    word = "handler"

    @no_var_expand
    @cell_magic
    @friendly
    @arguments()
    @argument("name", help="the model's name")
    @argument("--path", metavar="DIR", help="folder for the module (default: handlers)")
    @argument("--explain", action="store_true", help="show the module that was written")
    def handler(self, line: str, cell: str) -> Any:
        """Make this cell the handler of a model.

        The cell runs as any cell. Imports, functions, classes and constants that
        it takes from other cells are written into the module with it.
        """
        options = parse(self, split(line))
        running = self.session.cells.running
        raw = current_cell(running.raw_cell if running else None, self.word, line, cell)
        draft = self._prepare(options.name, raw)
        run(self.shell, raw, self.session.cells.number)
        if isinstance(draft, CaptureError):
            raise draft
        module = finish(draft, self.shell.user_ns)
        path = write(module, Path(options.path or self.session.handlers))
        self.session.handlers_of[options.name] = path.absolute()
        return CapturedView(options.name, os.path.relpath(path), module, draft.captured, explain=options.explain)

    def _prepare(self, name: str, raw: str) -> Draft | CaptureError:
        """The draft, or why there is none: the cell shall run in any case, to be tried by hand."""
        number = self.session.cells.number
        try:
            return prepare(self.shell, self.session.cells, name, raw, number)
        except CaptureError as error:
            return error
        except SyntaxError as error:
            raise wrong_syntax(error, cell_filename(self.shell, raw, number), self.shell) from None
