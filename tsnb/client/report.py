"""What came of a set of cases: green and red."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tsnb import html
from tsnb.client.cases import Case
from tsnb.messages import Recorded

SHOWN = 5
"""Differences of one case that are shown; :attr:`Checked.differences` has them all."""


@dataclass(frozen=True)
class Checked:
    """One case, what came of it now, and how that differs."""

    case: Case
    now: Recorded
    differences: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it is answered as it must be."""
        return not self.differences


class Report(Sequence[Checked]):
    """The outcome of every case, in order."""

    def __init__(self, model: str, checked: Sequence[Checked], rel: float, abs: float) -> None:
        self.model = model
        self.rel, self.abs = rel, abs
        self._checked = list(checked)

    def __getitem__(self, index: int) -> Checked:  # type: ignore[override]
        return self._checked[index]

    def __len__(self) -> int:
        return len(self._checked)

    def __iter__(self) -> Iterator[Checked]:
        return iter(self._checked)

    @property
    def failures(self) -> list[Checked]:
        """The cases that are answered otherwise, or not at all."""
        return [each for each in self if not each.ok]

    @property
    def ok(self) -> bool:
        """Whether every case is answered as it must be."""
        return not self.failures

    @property
    def title(self) -> str:
        """``20 of 20 answers of digits as recorded``."""
        return f"{len(self) - len(self.failures)} of {html.count_text(len(self), 'answer')} of {self.model} as recorded"

    def raise_for_failures(self) -> Report:
        """This report; raises AssertionError, with the differences, if any case failed."""
        if not self.ok:
            raise AssertionError(repr(self))
        return self

    @property
    def _tolerance(self) -> str:
        builds = sorted({each.now.build for each in self})
        served = f"build {', '.join(map(str, builds))}; " if builds else ""
        return f"{served}numbers within {self.rel:g} of the larger, or {self.abs:g}"

    def __repr__(self) -> str:
        lines = [self.title, f"  {self._tolerance}"]
        for each in self.failures:
            lines += [f"✗ {each.case.id or 'case'}", *(f"    {line}" for line in _few(each.differences))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        badge = html.badge("passed", "good") if self.ok else html.badge(f"{len(self.failures)} failed", "bad")
        head = html.line(html.tag("span", self.title, class_="tsnb-title"), badge)
        squares = [_square(each) for each in self]
        row = html.tag("div", *squares, class_="tsnb-cases", role="img", aria_label=self.title)
        table = html.table(("request", "difference"), [_row(each) for each in self.failures]) if not self.ok else None
        return html.page(head, html.tag("div", self._tolerance, class_="tsnb-dim"), row, table)


def _square(each: Checked) -> html.Markup:
    title = f"{each.case.id}: {'as recorded' if each.ok else each.differences[0]}"
    return html.tag("i", class_="tsnb-good" if each.ok else "tsnb-bad", title=title)


def _row(each: Checked) -> list[object]:
    lines = [html.tag("div", line) for line in _few(each.differences)]
    return [html.tag("code", each.case.id[:8] or "case", title=each.case.id), html.tag("span", *lines)]


def _few(differences: Sequence[str]) -> list[str]:
    more = len(differences) - SHOWN
    return [*differences[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
