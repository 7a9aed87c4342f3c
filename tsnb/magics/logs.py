"""``%logs NAME``: what its workers wrote."""

from __future__ import annotations

from tsnb.magics.base import (
    Command,
    argument,
    arguments,
    friendly,
    line_magic,
    magics_class,
    name_and_version,
    parse,
    split,
)
from tsnb.magics.views import LogView


@magics_class
class LogsMagic(Command):
    """``%logs``."""

    word = "logs"

    @line_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    @argument("-n", type=int, default=50, metavar="LINES", help="at most this many lines (default: 50)")
    def logs(self, line: str) -> LogView:
        """Show the latest lines that a model's workers printed or logged."""
        options = parse(self, split(line))
        name, version = name_and_version(options.name)
        lines = self.session.running().logs(name, version)
        return LogView(options.name, lines[-options.n :] if options.n > 0 else [])
