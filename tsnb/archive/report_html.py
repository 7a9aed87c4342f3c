"""A report and a comparison as static HTML that folds; without its style it still reads, as on GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tsnb import html
from tsnb.archive.diff import Diff, FileChange, TensorChange, ValueChange
from tsnb.archive.origin import cell_of, origin_rows
from tsnb.archive.plain import short, visible
from tsnb.archive.report import Report, Source
from tsnb.archive.report_code import changes, code
from tsnb.archive.report_text import (
    change_text,
    distance_text,
    handler_text,
    headline,
    shape_text,
    tensor_summary,
    value_text,
    verdict,
)
from tsnb.archive.tensors import TensorTable
from tsnb.html import Markup

STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")

MAX_ROWS = 500
"""Rows of a table; the rest is counted."""

MAX_FILES = 50
"""Changed files whose lines are shown."""


def report_html(found: Report) -> Markup:
    """Everything about one archive."""
    facts = [("handler", handler_text(found)), *((short(key, 40), short(value)) for key, value in found.config.items())]
    return page(
        head(short(found.path.name), headline(found)),
        _facts(facts),
        *(html.badge(visible(note), "busy") for note in found.notes),
        *(_source(source, open_=source.role == "handler") for source in found.sources),
        fold("Files", f"{len(found.files):,}", _files(found)),
        *(_tensors(name, table) for name, table in found.tensors.items()),
        _provenance(found),
        *(_source(source) for source in found.texts),
    )


def diff_html(found: Diff, before: str, after: str) -> Markup:
    """The differences of two archives, called ``before`` and ``after``."""
    title = head(f"{short(before)} → {short(after)}", verdict(found) if not found else _counts(found))
    if not found:
        return page(title)
    return page(
        title,
        _values("Manifest", found.manifest),
        _values("Configuration", found.config),
        _values("Requirements", found.requirements),
        *(_file(change) for change in found.files[:MAX_FILES]),
        _more(len(found.files) - MAX_FILES),
        _tensor_changes(found.tensors),
        *(html.tag("div", visible(note), class_="tsnb-dim") for note in found.notes),
        _values("Made", found.made, open_=False),
    )


def page(*parts: object) -> Markup:
    """A whole answer with the style of reports."""
    return html.page(Markup(f"<style>{STYLE}</style>"), *parts)


def head(title: str, rest: str) -> Markup:
    """A title, and more in the same line."""
    return html.line(html.tag("span", title, class_="tsnb-title"), html.tag("span", rest, class_="tsnb-dim"))


def fold(title: str, rest: str, *content: object, open_: bool = False) -> Markup:
    """Content that opens with a click on its title."""
    summary = html.tag("summary", title, " ", html.tag("span", rest, class_="tsnb-dim"))
    return html.tag("details", summary, *content, open=open_)


def _facts(rows: Sequence[tuple[str, str]]) -> Markup:
    lines = [
        html.tag("tr", html.tag("th", label, scope="row"), html.tag("td", visible(text), class_="tsnb-wrap"))
        for label, text in rows
    ]
    return html.tag("table", html.tag("tbody", *lines))


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]], count: int) -> Markup:
    shown = [row for row, _ in zip(rows, range(MAX_ROWS), strict=False)]
    return html.join([html.tag("div", html.table(headings, shown), class_="tsnb-scroll"), _more(count - MAX_ROWS)])


def _more(count: int) -> Markup | None:
    return html.tag("div", f"and {count:,} more", class_="tsnb-dim") if count > 0 else None


# --- one archive ------------------------------------------------------------------------------------


def _files(found: Report) -> Markup:
    rows = (
        (short(row.name), html.bytes_text(row.size), html.tag("code", row.sha256[:16], title=row.sha256), row.role)
        for row in found.files
    )
    return _table(("name", "size", "sha256", ""), rows, len(found.files))


def _tensors(name: str, table: TensorTable) -> Markup:
    if table.note:
        return fold(f"Tensors of {short(name)}", visible(table.note))
    rows = ((short(t.name), short(list(t.shape)), short(t.dtype), html.bytes_text(t.nbytes)) for t in table.tensors)
    content = _table(("tensor", "shape", "dtype", "size"), rows, len(table.tensors))
    return fold(f"Tensors of {short(name)}", tensor_summary(table), content)


def _provenance(found: Report) -> Markup | None:
    rows = origin_rows(found.provenance)
    if not rows:
        return None
    cell = cell_of(found.provenance)
    typed = [fold("The cell as it was typed", "", code(cell))] if cell else []
    return fold("Provenance", "as its maker wrote it", _facts(rows), *typed)


def _source(source: Source, *, open_: bool = False) -> Markup:
    lines = f"{source.text.count(chr(10)) + 1:,} lines{', and more' if source.cut else ''}"
    text = code(source.text, python=source.name.endswith(".py"))
    return fold(short(source.name), ", ".join(part for part in (source.role, lines) if part), text, open_=open_)


# --- two archives -----------------------------------------------------------------------------------


def _counts(found: Diff) -> str:
    counts = (
        (len(found.files), "file"),
        (len(found.tensors), "tensor"),
        (len(found.manifest) + len(found.config) + len(found.requirements), "setting"),
    )
    return ", ".join(html.count_text(count, noun) for count, noun in counts if count) + " changed"


def _values(title: str, found: tuple[ValueChange, ...], *, open_: bool = True) -> Markup | None:
    if not found:
        return None
    lines = [html.tag("div", value_text(change)) for change in found[:MAX_ROWS]]
    return fold(title, html.count_text(len(found), "change"), *lines, _more(len(found) - MAX_ROWS), open_=open_)


def _file(change: FileChange) -> Markup:
    title = change_text(change)
    if not change.lines:
        return html.tag("div", title)
    return fold(title, "", changes(change.lines), open_=change.kind == "changed")


def _tensor_changes(found: tuple[TensorChange, ...]) -> Markup | None:
    if not found:
        return None
    rows = (
        (
            short(change.name),
            short(change.file, 60),
            " → ".join(dict.fromkeys((shape_text(change.before), shape_text(change.after)))),
            distance_text(change.distance) if change.distance else visible(change.note),
        )
        for change in found
    )
    content = _table(("tensor", "file", "shape", "values"), rows, len(found))
    return fold("Tensors", html.count_text(len(found), "change"), content, open_=True)
