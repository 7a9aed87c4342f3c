"""What came of requests that were sent again: beside the answer from before, or one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from tsnb import html
from tsnb.client import Result
from tsnb.magics.views import View
from tsnb.messages import Recorded

FIXED, STILL, BROKEN, SAME, OTHER = "fixed", "still failing", "fails now", "same answer", "another answer"

_TONES: dict[str, html.Tone] = {FIXED: "good", SAME: "good", OTHER: "busy", STILL: "bad", BROKEN: "bad"}


def failed(recorded: Recorded) -> bool:
    """Whether the handler raised, or answered with an error of its own."""
    return recorded.failure is not None or recorded.status >= 400


def verdict(before: Recorded, now: Recorded) -> str:
    """The old outcome against the new one, in a word or two."""
    if failed(now):
        return STILL if failed(before) else BROKEN
    if failed(before):
        return FIXED
    same = before.reply is not None and now.reply is not None and before.reply.body == now.reply.body
    return SAME if same else OTHER


def outcome(recorded: Recorded) -> str:
    """``503 ValueError in preprocess: no digits``, or ``200``."""
    failure = recorded.failure
    if failure is None:
        return str(recorded.status)
    message = failure.message.splitlines()[0] if failure.message else ""
    return f"{recorded.status} {failure.type} in {failure.stage}" + (f": {message}" if message else "")


def answer(recorded: Recorded) -> Result | None:
    """The answer that was recorded, if one was."""
    if recorded.reply is None:
        return None
    return Result.of(recorded.reply, request_id=recorded.request.id, model=recorded.model, elapsed=recorded.seconds)


class Compared(View):
    """One request: what came of it before, and what comes of it now."""

    def __init__(self, before: Recorded, now: Recorded) -> None:
        self.before, self.now = before, now
        self.verdict = verdict(before, now)
        self.title = f"request {before.request.id} of {before.model} {before.version}"
        self.badge: tuple[str, html.Tone] = (self.verdict, _TONES[self.verdict])

    def __repr__(self) -> str:
        sides = (("before", self.before), ("now", self.now))
        lines = [f"{self.title}: {self.verdict}"]
        for label, recorded in sides:
            shown = answer(recorded)
            text = shown.pretty if shown is not None and recorded.failure is None else ""
            lines += [f"{_side(label, recorded)}: {outcome(recorded)}", *(f"  {line}" for line in text.splitlines())]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = [html.tag("span", self.title, class_="tsnb-title"), html.badge(*self.badge)]
        columns = [_column("before", self.before), _column("now", self.now)]
        sides = html.tag("div", *columns, class_="tsnb-sides")
        return html.page(html.line(*head), sides)


def _side(label: str, recorded: Recorded) -> str:
    return f"{label} (build {recorded.build}, {html.seconds_text(recorded.seconds)})"


def _column(label: str, recorded: Recorded) -> html.Markup:
    shown = answer(recorded)
    tone: html.Tone = "bad" if failed(recorded) else "good"
    body = shown.body if shown is not None else None
    if recorded.failure is not None:
        last = recorded.failure.frames[-1:]
        where = [f"{frame.function}: {frame.source}" for frame in last]
        body = html.tag("pre", "\n".join([recorded.failure.message, *where]))
    head = html.tag("div", _side(label, recorded), class_="tsnb-dim")
    return html.tag("div", head, html.badge(outcome(recorded).split(":")[0], tone), body)


class Replays(View):
    """Every failed request of a model, sent again: which are fixed now."""

    def __init__(self, name: str, pairs: Sequence[tuple[Recorded, Recorded]], lost: int) -> None:
        self.pairs = list(pairs)
        self.fixed = [before for before, now in pairs if not failed(now)]
        self.failing = [before for before, now in pairs if failed(now)]
        self.title = f"{len(self.fixed)} of {html.count_text(len(pairs), 'failed request')} of {name} answered now"
        self.badge = ("still failing", "bad") if self.failing else ("all fixed", "good") if pairs else None
        self._lost = lost

    def facts(self) -> Iterable[str]:
        """What could not be tried."""
        if not self.pairs and not self._lost:
            yield "no failed request is kept"
        if self._lost:
            yield f"of {html.count_text(self._lost, 'other')} nothing was kept that could be sent again"

    def text(self) -> str:
        """A line for each request."""
        return "\n".join(
            f"{short_id(before)}  {clock(before)}  {verdict(before, now):<13}  {outcome(before)}"
            + (f" → {outcome(now)}" if outcome(before) != outcome(now) else "")
            for before, now in self.pairs
        )

    def _repr_html_(self) -> str:
        head = [html.tag("span", self.title, class_="tsnb-title")]
        if self.badge is not None:
            head.append(html.badge(*self.badge))
        facts = [html.tag("div", fact, class_="tsnb-dim") for fact in self.facts()]
        rows = [_row(before, now) for before, now in self.pairs]
        table = html.table(("request", "time", "now", "before", "answer"), rows) if rows else None
        return html.page(html.line(*head), *facts, table)


def _row(before: Recorded, now: Recorded) -> list[object]:
    word = verdict(before, now)
    new = html.seconds_text(now.seconds) if not failed(now) else outcome(now).split(":")[0]
    id_ = html.tag("code", short_id(before), title=before.request.id)
    return [id_, clock(before), html.badge(word, _TONES[word]), outcome(before).split(":")[0], str(new)]


def short_id(recorded: Recorded) -> str:
    """The start of a request's id, which %replay takes as well."""
    return recorded.request.id[:8]


def clock(recorded: Recorded) -> str:
    """When it was answered, in local time."""
    return f"{datetime.fromtimestamp(recorded.time):%H:%M:%S}"
