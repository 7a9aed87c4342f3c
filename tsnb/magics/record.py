"""``%record NAME``: the next requests and their answers as a regression test."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from tsnb import html
from tsnb.client.cases import ABS, REL, Case
from tsnb.errors import BadRequest, NotFound
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

if TYPE_CHECKING:
    from tsnb.client import Client
    from tsnb.messages import Recorded

POLL = 0.2
"""Seconds between two looks for recorded requests."""


@magics_class
class RecordMagic(Command):
    """``%record``."""

    word = "record"

    @line_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    @argument("--n", "-n", type=int, default=20, metavar="COUNT", help="how many requests (default: 20)")
    @argument("--as-cell", action="store_true", help="write a %%%%check cell below this one (the default)")
    @argument("--to", metavar="FILE", help="write a file for %%check, one JSON object a line")
    @argument("--wait", type=float, metavar="SECONDS", help="go on with those that came by then (default: wait)")
    @argument("--last", action="store_true", help="take those that are kept already, and wait for none")
    def record(self, line: str) -> Note:
        """Wait for the next requests, and write them with their answers as a regression test.

        Interrupt the cell to go on with those that came so far. Only good answers
        become cases: %replay is for the others.
        """
        options = parse(self, split(line))
        name, version = name_and_version(options.name)
        if options.n < 1:
            raise UsageError(f"argument --n: {options.n} makes no sense: give 1 or more")
        if options.as_cell and options.to:
            raise UsageError("--as-cell and --to exclude each other")
        client = self.session.running()
        recording = Recording(client, name, version)
        found = recording.last(options.n) if options.last else recording.next(options.n, options.wait)
        return self._write(options, found)

    def _write(self, options: Namespace, found: Sequence[Recorded]) -> Note:
        cases = [Case.of(each) for each in found if each.reply is not None and each.status < 400]
        left = len(found) - len(cases)
        if not cases:
            raise BadRequest(
                f"nothing was recorded of {options.name}: "
                + (f"none of {html.count_text(left, 'request')} had a good answer" if left else "no request came")
            )
        facts = [f"{html.count_text(left, 'other')} failed, or was streamed, and is no case"] if left else []
        count = html.count_text(len(cases), "request")
        if options.to:
            path = Path(self.expand(options.to))
            _save(path, cases)
            return Note(f"recorded {count} of {options.name} → {path}", f"%check {options.name} {path}", *facts)
        self.shell.set_next_input(cell(options.name, cases))
        return Note(f"recorded {count} of {options.name} → the cell below", *facts)


class Recording:
    """The requests of a model that a server keeps."""

    def __init__(self, client: Client, name: str, version: str | None) -> None:
        self._client = client
        self._name = name
        self._version = version

    def last(self, count: int) -> list[Recorded]:
        """Those with a good answer that are kept already, ``count`` at most."""
        kept = self._client.requests(self._name, self._version)
        return self._contents([each for each in kept if each.failure is None][-count:])

    def next(self, count: int, wait: float | None) -> list[Recorded]:
        """The next ``count``, or those that come within ``wait`` seconds or until an interrupt."""
        known = {each.request.id for each in self._client.requests(self._name, self._version)}
        self._client.record(self._name, count, self._version)
        found: list[Recorded] = []
        end = None if wait is None else time.monotonic() + wait
        try:
            print(f"Recording the next {html.count_text(count, 'request')} of {self._name} …", flush=True)  # noqa: T201
            while len(found) < count and (end is None or time.monotonic() < end):
                new = [
                    each for each in self._client.requests(self._name, self._version) if each.request.id not in known
                ]
                known.update(each.request.id for each in new)
                found += self._contents(new)
                if len(found) < count:
                    time.sleep(POLL)
        except KeyboardInterrupt:
            print(f"Stopped after {len(found)}.")  # noqa: T201
        return found[:count]

    def _contents(self, outlines: Sequence[Recorded]) -> list[Recorded]:
        found = []
        for each in outlines:
            try:
                found.append(self._client.request(self._name, each.request.id))
            except NotFound:  # driven out by later ones since
                continue
        return found


def cell(name: str, cases: Sequence[Case]) -> str:
    """The text of a %%check cell."""
    made = f"# {html.count_text(len(cases), 'request')} recorded {datetime.now():%Y-%m-%d %H:%M}"
    return "\n".join([f"%%check {name} --rel {REL:g} --abs {ABS:g}", made, *(case.line() for case in cases)])


def _save(path: Path, cases: Sequence[Case]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(case.line() + "\n" for case in cases), encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"--to {path} cannot be written: {error.strerror}") from error
