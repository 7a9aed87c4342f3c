"""``%try NAME``: the notebook's own curl."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tsnb.magics.base import (
    Command,
    Decorator,
    argument,
    arguments,
    friendly,
    line_magic,
    magics_class,
    name_and_version,
    parse,
    split,
)

_named: Callable[[str], Decorator[Any]] = line_magic


@magics_class
class TryMagic(Command):
    """``%try``."""

    word = "try"

    @property
    def parser(self) -> Any:
        """The argument parser; no method can be called ``try``."""
        return self.try_.parser

    @_named("try")
    @friendly
    @arguments("try")
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    def try_(self, line: str) -> Any:
        """Show a box that sends requests to a model: JSON or text, a file, a drawing, a recorded request.

        The answer comes with its status, timings and headers, and the same
        request as curl, Python and JavaScript.
        """
        options = parse(self, split(line))
        name, version = name_and_version(options.name)
        from tsnb.widgets import try_it

        return try_it(self.session.running(), name, version)
