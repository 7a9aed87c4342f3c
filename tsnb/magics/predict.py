"""``%predict NAME DATA`` and ``%%predict NAME``: one request, and its answer."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

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
)
from tsnb.magics.data import value_of

if TYPE_CHECKING:
    from tsnb.client import Result

_OPTION = re.compile(r"--(?:explain|help)(?=\s|$)|-h(?=\s|$)|--(?:content-type|timeout)(?:\s+|=)\S+")
_AT_END = re.compile(rf"(?:^|\s)({_OPTION.pattern})\s*$")


@magics_class
class PredictMagic(Command):
    """``%predict`` and ``%%predict``."""

    word = "predict"

    @no_var_expand
    @line_cell_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    @argument("data", nargs="?", metavar="DATA", help="a file, a literal, or a Python expression")
    @argument("--explain", action="store_true", help="ask for an explanation instead")
    @argument("--content-type", metavar="TYPE", help="MIME type of the data (default: from the data)")
    @argument("--timeout", type=float, metavar="SECONDS", help="longest wait (default: the server's)")
    def predict(self, line: str, cell: str | None = None) -> Result:
        """Send data to a model and return its answer.

        DATA is a file's name, a JSON or Python literal, or an expression: an
        array, tensor, PIL image, dict, list, text or bytes. The cell form sends
        its body, as JSON if it is JSON.
        """
        options, rest = self._read(line)
        name, version = name_and_version(self.expand(options.name))
        if cell is not None:
            data, content_type = _body(cell)
        else:
            data, content_type = self._data(rest), None
        known = self.session.connection.client(Path(self.session.model_store).absolute())
        return known.predict(
            name,
            data,
            version,
            content_type=options.content_type or content_type,
            explain=options.explain,
            timeout=options.timeout or self.session.timeout or None,
        )

    def _read(self, line: str) -> tuple[Namespace, str]:
        """Options may stand before the name or at the end; what is between is the data, word for word."""
        words, rest = [], line.strip()
        while match := _OPTION.match(rest):
            words += _words(match.group())
            rest = rest[match.end() :].lstrip()
        name, _, rest = rest.partition(" ")
        while match := _AT_END.search(rest):
            words += _words(match.group(1))
            rest = rest[: match.start()]
        return parse(self, [*words, name] if name else words), rest.strip()

    def _data(self, text: str) -> Any:
        """The data a line names. Raises UsageError, BadRequest."""
        if not text:
            raise UsageError("what shall be sent? %predict NAME DATA, where DATA is a file, a literal or an expression")
        return value_of(self, text)


def _words(option: str) -> list[str]:
    return re.split(r"\s+|=", option, maxsplit=1)


def _body(cell: str) -> tuple[bytes, str]:
    """The bytes of a cell and their content type."""
    try:
        json.loads(cell)
    except ValueError:
        return cell.removesuffix("\n").encode(), "text/plain; charset=utf-8"
    return cell.strip().encode(), "application/json"
