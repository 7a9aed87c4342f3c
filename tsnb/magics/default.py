"""``%default NAME VERSION``: which version answers when nobody names one."""

from __future__ import annotations

from tsnb.magics.base import Command, argument, arguments, friendly, line_magic, magics_class, parse, split
from tsnb.magics.views import Note


@magics_class
class DefaultMagic(Command):
    """``%default``."""

    word = "default"

    @line_magic
    @friendly
    @arguments()
    @argument("name", help="the model")
    @argument("version", help="one of its versions")
    def default(self, line: str) -> Note:
        """Let requests without a version go to this one."""
        options = parse(self, split(line))
        return Note(self.session.running().set_default(options.name, options.version))
