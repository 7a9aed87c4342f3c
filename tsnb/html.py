"""Small pieces of HTML that escape by default, and sizes and durations as people write them.

Every helper takes plain values and returns :class:`Markup`; a string that is
not ``Markup`` is escaped wherever it is put, so a model called ``<script>``
stays a name. Colours come from the notebook's own theme, with fallbacks that
are mixed from the text colour and so fit a light page and a dark one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape as _escape
from pathlib import Path
from typing import Literal

Tone = Literal["good", "busy", "bad", "quiet"]

STYLE = (Path(__file__).parent / "html.css").read_text(encoding="utf-8")
"""The style sheet of everything tsnb shows; its rules apply inside ``.tsnb`` only."""


class Markup(str):
    """Text that is HTML already and must not be escaped again."""

    __slots__ = ()


def escape(value: object) -> Markup:
    """A value as HTML text: ``Markup`` as it is, anything else escaped."""
    return value if isinstance(value, Markup) else Markup(_escape(str(value)))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` is ``class``, ``_`` in other names is ``-``; None and False leave an attribute out."""
    pairs = [(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items()]
    text = "".join(
        f" {key}" if value is True else f' {key}="{_escape(str(value))}"'
        for key, value in pairs
        if value is not None and value is not False
    )
    return Markup(f"<{name}{text}>{join(children)}</{name}>")


def join(children: Iterable[object], between: str = "") -> Markup:
    """Pieces one after the other, each escaped where it is not Markup; None is left out."""
    return Markup(escape(between).join(escape(child) for child in children if child is not None))


def page(*children: object) -> Markup:
    """A whole answer for ``_repr_html_``: the pieces in a themed box, with the style they need."""
    return join([Markup(f"<style>{STYLE}</style>"), tag("div", *children, class_="tsnb tsnb-page")])


def table(headings: Sequence[object], rows: Iterable[Sequence[object]], *, caption: str | None = None) -> Markup:
    """A table. Numbers are set to the right, and so is the heading above them."""
    body = [list(row) for row in rows]
    right = [bool(body) and all(_is_number(row[index]) for row in body) for index in range(len(headings))]
    head = [tag("th", cell, scope="col", class_=_side(right[i])) for i, cell in enumerate(headings)]
    lines = [tag("tr", *[tag("td", _told(cell), class_=_side(right[i])) for i, cell in enumerate(row)]) for row in body]
    title = tag("caption", caption) if caption else None
    return tag("table", title, tag("thead", tag("tr", *head)), tag("tbody", *lines))


def _told(cell: object) -> object:
    """``1,204`` for a whole number; anything else as it is."""
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else cell


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Number)) and not isinstance(value, bool)


def _side(right: bool) -> str | None:
    return "tsnb-num" if right else None


class Number(Markup):
    """Text of a quantity (``4.1 ms``), so that a table sets it to the right."""

    __slots__ = ()


def badge(text: object, tone: Tone = "quiet") -> Markup:
    """A word with a coloured dot; the word alone says everything."""
    return tag("span", text, class_=f"tsnb-badge tsnb-{tone}")


_DOT = Markup('<span class="tsnb-dot"> · </span>')
"""Stands between pieces that the style sheet sets apart; only where the style is taken away it is seen."""


def line(*pieces: object, class_: str = "tsnb-head") -> Markup:
    """Pieces side by side, which also read well in a notebook that is not trusted; None is left out."""
    return tag("div", join(pieces, _DOT), class_=class_)


def bars(values: Mapping[str, float], *, limit: int = 10) -> Markup:
    """Shares between 0 and 1 as horizontal bars, the largest first, ``limit`` at most; a table reads unstyled too."""
    ranked = sorted(values.items(), key=lambda pair: pair[1], reverse=True)
    rows = [_bar(label, share) for label, share in ranked[:limit]]
    more = len(ranked) - limit
    rest = tag("tr", tag("td", f"and {more} more", class_="tsnb-dim", colspan=3)) if more > 0 else None
    return tag("table", tag("tbody", *rows, rest), class_="tsnb-bars")


def _bar(label: str, share: float) -> Markup:
    width = f"width:{100 * min(max(share, 0.0), 1.0):.1f}%"
    track = tag("td", tag("span", tag("i", style=width), class_="tsnb-track"), aria_hidden="true")
    return tag("tr", tag("td", label, class_="tsnb-label"), track, tag("td", f"{share:.1%}", class_="tsnb-num"))


def bytes_text(size: float) -> Number:
    """A size in bytes as people write it: ``0 B``, ``812 kB``, ``1.3 GB`` (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return Number(f"{_three(size)} {unit}")
        size /= 1000
    return Number(f"{_three(size)} TB")


def seconds_text(seconds: float) -> Number:
    """A duration as people write it: ``82 µs``, ``4.1 ms``, ``1.2 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 0.9995e-3:
        return Number(f"{_three(seconds * 1e6)} µs")
    if seconds < 0.9995:
        return Number(f"{_three(seconds * 1e3)} ms")
    if seconds < 59.5:
        return Number(f"{_three(seconds)} s")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return Number(f"{minutes} min {rest} s" if rest else f"{minutes} min")
    hours, minutes = divmod(minutes, 60)
    return Number(f"{hours} h {minutes} min" if minutes else f"{hours} h")


def count_text(count: int, noun: str, plural: str | None = None) -> str:
    """``1 worker``, ``1,204 workers``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def _three(value: float) -> str:
    """At most two digits after a one-digit number, one after a small one, none for the rest."""
    if value == int(value) or abs(value) >= 99.5:
        return f"{value:.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.95 else f"{value:.2g}"
