"""``%logs NAME``: what its workers wrote, with level, worker and request."""

from __future__ import annotations

import logging
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from tsnb import html
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
from tsnb.magics.views import View
from tsnb.messages import LogLine

if TYPE_CHECKING:
    from tsnb.client import Client

POLL = 0.3
"""Seconds between two looks for new lines."""

LEVELS = {name.lower(): number for name, number in logging.getLevelNamesMapping().items() if number}

_COLORS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_TONES = {"WARNING": "var(--tsnb-busy)", "ERROR": "var(--tsnb-bad)", "CRITICAL": "var(--tsnb-bad)"}


@magics_class
class LogsMagic(Command):
    """``%logs``."""

    word = "logs"

    @line_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    @argument("-n", type=int, default=50, metavar="LINES", help="at most this many lines (default: 50)")
    @argument("--follow", "-f", action="store_true", help="show new lines as they come, until you interrupt the cell")
    @argument("--level", metavar="LEVEL", help="only lines of this level or a graver one: info, warning, error")
    @argument("--worker", metavar="ID", help="only lines of this worker")
    @argument("--request", metavar="ID", help="only lines written for this request (the start of its id is enough)")
    def logs(self, line: str) -> LogView | None:
        """Show the latest lines that a model's workers printed or logged.

        A line has its time, level, worker, and the request that ran (of a batch
        the first, and how many more). Prints to stdout count as info, to stderr
        as warning.
        """
        options = parse(self, split(line))
        name, version = name_and_version(options.name)
        wanted = Wanted(options)
        client = self.session.running()
        lines = [each for each in client.logs(name, version) if wanted.has(each)]
        latest = lines[-options.n :] if options.n > 0 else []
        if not options.follow:
            return LogView(options.name, latest)
        coming = new_lines(client, name, version, wanted, after=lines[-1].time if lines else 0.0)
        self._show(chain(latest, coming))
        return None

    def _show(self, lines: Iterable[LogLine]) -> None:
        colored = str(self.shell.colors).lower() != "nocolor"
        try:
            for line in lines:
                color = _COLORS.get(line.level) if colored else None
                text = line_text(line)
                print(f"{color}{text}\x1b[0m" if color else text, flush=True)  # noqa: T201
        except KeyboardInterrupt:
            return


class Wanted:
    """Which lines the options ask for. Raises BadRequest for a level that does not exist."""

    def __init__(self, options: Namespace) -> None:
        self._level = 0
        self._worker: str | None = options.worker
        self._request: str | None = options.request
        if options.level:
            if options.level.lower() not in LEVELS:
                known = ", ".join(sorted(LEVELS, key=LEVELS.__getitem__))
                raise BadRequest(f"--level {options.level} is no level: use one of {known}")
            self._level = LEVELS[options.level.lower()]

    def has(self, line: LogLine) -> bool:
        """Whether this line is asked for."""
        grave = LEVELS.get(line.level.lower(), logging.INFO) >= self._level
        mine = self._request is None or any(each.startswith(self._request) for each in line.request_ids)
        return grave and mine and self._worker in (None, line.worker)


def new_lines(client: Client, name: str, version: str | None, wanted: Wanted, after: float) -> Iterator[LogLine]:
    """Lines written after a Unix time, as they come, without end."""
    while True:
        for line in client.logs(name, version, after=after):
            after = line.time
            if wanted.has(line):
                yield line
        time.sleep(POLL)


def line_text(line: LogLine) -> str:
    """``19:41:10 WARNING 9000 3f2a9c01 careful``."""
    return " ".join([*_head(line), _text(line)])


def _text(line: LogLine) -> str:
    """What was written, with cells of this notebook by their number."""
    text = line.text.rstrip()
    if 'File "' not in text:
        return text
    from tsnb.widgets.answers import with_cells

    return with_cells(text)


def _head(line: LogLine) -> list[str]:
    more = len(line.request_ids) - 1
    request = f"{line.request_ids[0][:8]}{f'+{more}' if more > 0 else ''}" if line.request_ids else "-"
    return [f"{datetime.fromtimestamp(line.time):%H:%M:%S}", f"{line.level:<7}", line.worker or "-", f"{request:<8}"]


class LogView(View):
    """Lines that workers wrote, oldest first."""

    def __init__(self, name: str, lines: list[LogLine]) -> None:
        self.title = f"log of {name}"
        self.lines = lines

    def facts(self) -> Iterable[str]:
        """Whether there is anything."""
        return () if self.lines else ("its workers have written no such lines yet",)

    def text(self) -> str:
        """Time, level, worker, request, and what was written."""
        return "\n".join(map(line_text, self.lines))

    def _repr_html_(self) -> str:
        head = html.tag("div", html.tag("span", self.title, class_="tsnb-title"), class_="tsnb-head")
        facts = [html.tag("div", fact, class_="tsnb-dim") for fact in self.facts()]
        rows = html.join(map(_row, self.lines), "\n")
        latest = html.tag("div", html.tag("pre", rows), class_="tsnb-latest") if self.lines else None
        return html.page(head, *facts, latest)


def _row(line: LogLine) -> html.Markup:
    clock, level, worker, request = _head(line)
    tone = _TONES.get(line.level)
    shown = html.tag("span", level, style=f"color:{tone}" if tone else None)
    ids = html.tag("span", request, title=", ".join(line.request_ids) or None)
    before = html.tag("span", clock, " ", shown, " ", worker, " ", ids, class_="tsnb-dim")
    return html.join([before, " ", _text(line)])
