"""``%mardiff a.mar b.mar``: what changed between two archives."""

from __future__ import annotations

import sys
from typing import Any

from tsnb.archive.diff import Diff, diff
from tsnb.archive.report_html import diff_html
from tsnb.archive.report_text import diff_text
from tsnb.magics.base import Command, argument, arguments, friendly, line_magic, magics_class, parse, split
from tsnb.magics.inspect import look


class Compared:
    """Two archives that were compared; ``diff`` has the differences themselves, and is true where there are any."""

    def __init__(self, diff: Diff, before: str, after: str) -> None:
        self.diff = diff
        self._names = (before, after)

    def __bool__(self) -> bool:
        return bool(self.diff)

    def __repr__(self) -> str:
        return diff_text(self.diff)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In colour, in a terminal."""
        printer.text(diff_text(self.diff, colour=sys.stdout.isatty()))

    def _repr_html_(self) -> str:
        return diff_html(self.diff, *self._names)


@magics_class
class MardiffMagic(Command):
    """``%mardiff``."""

    word = "mardiff"

    @line_magic
    @friendly
    @arguments()
    @argument("before", metavar="A", help="the older archive: a path, or the name of a model in the model store")
    @argument("after", metavar="B", help="the newer one")
    def mardiff(self, line: str) -> Compared:
        """Compare two archives: code, tensors, requirements, settings and files. Nothing is run."""
        options = parse(self, split(line))
        before, after = look(self.session, options.before), look(self.session, options.after)
        return Compared(diff(before, after), options.before, options.after)
