"""``%requests NAME``: the requests that the server kept, ready for %replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from tsnb import html
from tsnb.client import timeline
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
from tsnb.magics.replayed import clock, failed
from tsnb.magics.views import View
from tsnb.messages import Recorded

if TYPE_CHECKING:
    from tsnb.client import Client

SHORT = 8
"""Characters of an id that are shown, or more where they would not tell it from the others."""


@magics_class
class RequestsMagic(Command):
    """``%requests``."""

    word = "requests"

    @line_magic
    @friendly
    @arguments()
    @argument("name", metavar="NAME[/VERSION]", help="the model, or one version of it")
    @argument("-n", type=int, default=20, metavar="COUNT", help="at most this many (default: 20)")
    @argument("--failed", action="store_true", help="only those that failed")
    def requests(self, line: str) -> RequestsView:
        """Show the requests that the server kept, the newest first: every failure, and a sample of the others.

        %replay takes the ids, and the short ones as well.
        """
        options = parse(self, split(line))
        name, version = name_and_version(options.name)
        if options.n < 1:
            raise UsageError(f"argument -n: {options.n} makes no sense: give 1 or more")
        kept = self.session.running().requests(name, version)
        shown = [each for each in kept if failed(each) or not options.failed][-options.n :]
        return RequestsView(options.name, shown[::-1], kept, only_failed=options.failed)


def find(client: Client, text: str) -> Recorded:
    """The kept request whose id is, or begins with, this text, with its contents. Raises NotFound, BadRequest."""
    names = {status.spec.name for status in client.models()}
    kept = [each for name in sorted(names) for each in client.requests(name)]
    matches = [each for each in kept if each.request.id == text] or [
        each for each in kept if each.request.id.startswith(text)
    ]
    if not matches:
        raise NotFound(f"no request {text} is kept (%requests NAME lists those that are)")
    if len(matches) > 1:
        some = ", ".join(each.request.id for each in matches[:3])
        raise BadRequest(f"{len(matches)} requests begin with {text} ({some} …): write more of the id")
    return client.request(matches[0].model, matches[0].request.id)


class RequestsView(View):
    """Requests in a table, the newest first."""

    def __init__(self, name: str, shown: Sequence[Recorded], kept: Sequence[Recorded], *, only_failed: bool) -> None:
        self.requests = list(shown)
        self.title = f"requests of {name}"
        self._short = short_ids(shown, kept)
        asked = [each for each in kept if not each.trial]
        self._failures = sum(map(failed, asked))
        self._kept = len(asked)
        self._only_failed = only_failed

    def facts(self) -> Iterable[str]:
        """How many there are."""
        if not self.requests:
            yield "no failed request is kept" if self._only_failed else "no request is kept yet"
            return
        asked = sum(not each.trial for each in self.requests)
        of = f"{asked} of {html.count_text(self._kept, 'kept request')}"
        yield f"{of}, {self._failures} failed; %replay ID runs one again in this notebook"
        if trials := sorted({each.trial for each in self.requests} - {""}):
            yield f"{' and '.join(trials)}: new code that failed before it went live; no client asked"

    def text(self) -> str:
        """A line for each request, and what failed below it."""
        rows = [HEADINGS, *(self._cells(each) for each in self.requests)]
        widths = [max(len(row[index]) for row in rows) for index in range(len(HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines) if self.requests else ""

    def _cells(self, each: Recorded) -> tuple[str, ...]:
        if each.trial:
            return (self._short[each.request.id], clock(each), each.trial, "", _where(each), "", each.version, "", "")
        return (
            self._short[each.request.id],
            clock(each),
            str(each.status),
            str(html.seconds_text(each.seconds)),
            _where(each) or timeline.brief(each.timings, each.seconds),
            str(html.bytes_text(each.size)),
            each.version,
            str(each.build),
            str(len(each.mates) + 1),
        )

    def _repr_html_(self) -> str:
        head = html.tag("div", html.tag("span", self.title, class_="tsnb-title"), class_="tsnb-head")
        facts = [html.tag("div", fact, class_="tsnb-dim") for fact in self.facts()]
        table = html.table(HEADINGS, map(self._row, self.requests)) if self.requests else None
        return html.page(head, *facts, table)

    def _row(self, each: Recorded) -> list[object]:
        identity = html.tag("code", self._short[each.request.id], title=each.request.id)
        status = html.badge(each.trial or str(each.status), "bad" if failed(each) else "good")
        where = _where(each)
        spent = html.tag("span", where, title=each.failure.message) if where and each.failure else None
        drawn = spent or timeline.bar(each.timings, each.seconds) or ""
        if each.trial:
            return [identity, clock(each), status, "", drawn, "", each.version, "", ""]
        size = html.bytes_text(each.size)
        total = html.seconds_text(each.seconds)
        mates = len(each.mates) + 1
        return [identity, clock(each), status, total, drawn, size, each.version, each.build, mates]


HEADINGS = ("request", "time", "status", "total", "stages", "size", "version", "build", "batch")


def _where(each: Recorded) -> str:
    """``ValueError in preprocess`` of a failure."""
    return f"{each.failure.type} in {each.failure.stage}" if each.failure is not None else ""


def short_ids(shown: Iterable[Recorded], kept: Iterable[Recorded]) -> dict[str, str]:
    """Full id → the shortest start of at least :data:`SHORT` characters that no other kept id has."""
    known = [each.request.id for each in kept]
    return {each.request.id: _short(each.request.id, known) for each in shown}


def _short(wanted: str, known: Sequence[str]) -> str:
    others = [each for each in known if each != wanted]
    length = SHORT
    while length < len(wanted) and any(each.startswith(wanted[:length]) for each in others):
        length += 1
    return wanted[:length]
