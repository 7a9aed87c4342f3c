"""``%scale NAME N``: more workers, or fewer."""

from __future__ import annotations

from tsnb.errors import BadRequest
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
class ScaleMagic(Command):
    """``%scale``."""

    word = "scale"

    @line_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it (default: its default version)")
    @argument("workers", type=int, metavar="N", help="worker processes it shall have")
    def scale(self, line: str) -> Note:
        """Change the number of workers and wait until they are ready. No request is lost."""
        options = parse(self, split(line))
        name, version = name_and_version(options.name)
        if options.workers < 0:
            raise BadRequest(f"{options.workers} workers make no sense: give 0 or more")
        return Note(self.session.running().scale(name, options.workers, version))
