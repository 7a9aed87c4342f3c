"""``%%handler NAME``: the cell runs here, and becomes a module that a worker can import."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from tsnb.capture.cell import Draft, finish, prepare
from tsnb.capture.fresh import texts
from tsnb.capture.module import Module, write
from tsnb.errors import CaptureError
from tsnb.magics.base import (
    Command,
    argument,
    arguments,
    friendly,
    line_cell_magic,
    magics_class,
    no_var_expand,
    parse,
    split,
)
from tsnb.magics.data import checks_of, split_check
from tsnb.magics.errors import wrong_syntax
from tsnb.magics.refresh import refresh
from tsnb.magics.running import cell_filename, current_cell, run
from tsnb.magics.swapping import Target, find_target, in_words, swap_files
from tsnb.magics.trial import IN_CELL, begin, settle
from tsnb.magics.views import CapturedView
from tsnb.messages import Request, Swapped


@magics_class
class HandlerMagic(Command):
    """``%%handler``."""

    word = "handler"

    @no_var_expand
    @line_cell_magic
    @friendly
    @arguments()
    @argument("name", help="the model's name")
    @argument("--path", metavar="DIR", help="folder for the module (default: handlers)")
    @argument("--explain", action="store_true", help="show the module that was written")
    @argument("--check", metavar="DATA", help="what new code must answer before it goes live, as in %%%%predict")
    @argument("--version", metavar="V", help="the served version that gets the new code (default: the one served last)")
    @argument("--no-swap", action="store_true", help="leave what is being served as it is")
    def handler(self, line: str, cell: str | None = None) -> Any:
        """Make this cell the handler of a model.

        The cell runs as any cell. Imports, functions, classes and constants that
        it takes from other cells are written into the module with it. Where the
        model is being served from this notebook, the new code goes live: no
        request is dropped, and if it fails, the old code serves on.
        """
        words, check = split_check(line)
        options = parse(self, split(words))
        if cell is None:
            raise UsageError(f"write %%handler {options.name} with the handler in the lines below, in the same cell")
        if self.session.fresh_check:
            self.session.checker.start()
        running = self.session.cells.running
        raw = current_cell(running.raw_cell if running else None, self.word, line, cell)
        draft = self._prepare(options.name, raw)
        run(self.shell, raw, self.session.cells.number)
        if isinstance(draft, CaptureError):
            raise draft
        module = finish(draft, self.shell.user_ns)
        swapped, news = self._take_over(options, module, check)
        path = os.path.relpath(self.session.handlers_of[options.name])
        view = CapturedView(options.name, path, module, draft.captured, explain=options.explain, news=news)
        view.badge = (f"build {swapped.build} live", "good") if swapped else None
        return view

    def _take_over(self, options: Namespace, module: Module, check: str) -> tuple[Swapped | None, list[str]]:
        """Write the module, and swap what is served to it; else see whether it stands alone. What there is to tell."""
        checks = checks_of(self, check)
        wanted = None if options.no_swap else find_target(self.session, options.name, module.name, options.version)
        if isinstance(wanted, Target):
            with wanted.live.changing:
                self._write(options, module)
                return self._swap(wanted, module, checks)
        said = ""
        if self.session.fresh_check:
            begin(self.session, options.name, module)
            said = settle(self.session, options.name, IN_CELL)
        self._write(options, module)
        return None, [each for each in (wanted, said) if each]

    def _write(self, options: Namespace, module: Module) -> None:
        path = write(module, Path(options.path or self.session.handlers))
        self.session.handlers_of[options.name] = path.absolute()

    def _swap(self, target: Target, module: Module, checks: Sequence[Request]) -> tuple[Swapped | None, list[str]]:
        files = texts(module)
        swapped = swap_files(target, files, checks)
        if swapped is None:
            name, live = target.status.spec.name, target.live
            return None, [f"{name} {live.version}: build {live.build} has this code already"]
        name = swapped.name
        self.session.trials.pop(name, None)  # a worker has imported it: no other check says more
        before = target.live.state
        said = refresh(target.live, files, module.provenance)
        if before is not None and target.live.state == before:
            self.session.unarchived[name] = (before, files)
        return swapped, [in_words(swapped), *([said] if said else [])]

    def _prepare(self, name: str, raw: str) -> Draft | CaptureError:
        """The draft, or why there is none: the cell shall run in any case, to be tried by hand."""
        number = self.session.cells.number
        try:
            return prepare(self.shell, self.session.cells, name, raw, number)
        except CaptureError as error:
            return error
        except SyntaxError as error:
            raise wrong_syntax(error, cell_filename(self.shell, raw, number), self.shell) from None
