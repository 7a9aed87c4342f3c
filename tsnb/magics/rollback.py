"""``%rollback NAME``: back to the code before the last swap."""

from __future__ import annotations

from tsnb import html
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
from tsnb.magics.views import Note


@magics_class
class RollbackMagic(Command):
    """``%rollback``."""

    word = "rollback"

    @line_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it (default: its default version)")
    def rollback(self, line: str) -> Note:
        """Let the code before the last swap serve again. A second time, the newer code is back.

        The cell and its module stay as they are: run the cell to swap to its code again.
        """
        options = parse(self, split(line))
        name, version = name_and_version(options.name)
        back = self.session.running().rollback(name, version)
        live = self.session.live.get(name)
        if live is not None and live.version == back.version:
            live.build, live.files = back.build, {}
            if not live.code_only:
                live.state = None
        seconds = html.seconds_text(back.seconds)
        return Note(f"{name} {back.version} → build {back.build} live again in {seconds}, 0 dropped")
