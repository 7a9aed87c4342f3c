"""``%check NAME FILE`` and ``%%check NAME``: does the served model still answer as it was recorded?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.display import display

from tsnb.client.cases import ABS, REL, read
from tsnb.magics.base import (
    Command,
    argument,
    arguments,
    friendly,
    line_cell_magic,
    magics_class,
    name_and_version,
    no_var_expand,
    parse,
    split,
)
from tsnb.magics.errors import with_traceback

if TYPE_CHECKING:
    from tsnb.client.report import Report


@magics_class
class CheckMagic(Command):
    """``%check`` and ``%%check``."""

    word = "check"

    @no_var_expand
    @line_cell_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    @argument("file", nargs="?", metavar="FILE", help="a file of cases, as %%record --to writes one")
    @argument("--rel", type=float, default=REL, help=f"numbers may differ by this share of the larger (default: {REL})")
    @argument("--abs", type=float, default=ABS, help=f"numbers may always differ by this much (default: {ABS})")
    def check(self, line: str, cell: str | None = None) -> Report:
        """Send recorded requests again and compare the answers: numbers within tolerances, all else exactly.

        The cell form has the cases in its body, one JSON object a line, as %record
        writes it. The cell fails when an answer differs.
        """
        options = parse(self, split(line))
        if (cell is None) == (options.file is None):
            raise UsageError("which cases? %check NAME FILE, or %%check NAME with a case on each line of the cell")
        name, version = name_and_version(options.name)
        cases = read(self.expand(options.file) if cell is None else cell.splitlines())
        if not cases:
            raise UsageError("there are no cases in it")
        report = self.session.running().check(name, cases, version, rel=options.rel, abs=options.abs)
        if not report.ok:
            display(report)  # type: ignore[no-untyped-call]
            error = AssertionError(report.title)
            raise with_traceback(error, [f"\x1b[31mAssertionError\x1b[0m: only {report.title}"], self.shell)
        return report
