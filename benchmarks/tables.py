"""Writes RESULTS.md: medians over the rounds, the goals, and everything that was not measured."""

from __future__ import annotations

from benchmarks.book import Book
from benchmarks.goals import verdicts
from benchmarks.peers import PEERS

TITLES = {
    "echo": "Echo: tiny JSON in, a constant out",
    "mlp": "MLP on 784 JSON floats",
    "mlp2": "the same MLP with two workers",
    "cnn": "Compute-bound CNN",
    "raw": "1 MB raw body",
    "stream": "A stream of 10,000 small chunks",
    "lone": "A lone request",
    "half": "Added to the model's own time under half load",
    "weights": "Big eager model",
    "trivial": "Trivial model",
    "archive": "Archiving the big model",
    "notebook": "Through the notebook server",
}
COLUMNS = {
    "rate": ("req/s", ",.0f"),
    "p50": ("p50 ms", ".3g"),
    "p95": ("p95 ms", ".3g"),
    "p99": ("p99 ms", ".3g"),
    "first_ms": ("first chunk ms", ".3g"),
    "ms": ("ms", ",.0f"),
    "seconds": ("s", ".2f"),
    "errors": ("errors", ",.0f"),
    "cpu_us": ("CPU µs/request", ",.0f"),
    "pss": ("memory MB", ",.0f"),
    "grown": ("grown MB", "+.1f"),
    "most": ("largest worker MB", ",.0f"),
}
"""Measured name → heading and format. Names that are not here are not shown."""

SMALLER = {"ms", "seconds"}
"""Where less is better and there is no rate."""


def document(book: Book) -> str:
    """The whole file."""
    parts = ["# tsnb beside its peers", _preface(book), _goals(book)]
    parts += [_row(book, row) for row in book.rows()]
    parts.append(_missing(book))
    return "\n\n".join(part for part in parts if part) + "\n"


def _preface(book: Book) -> str:
    lines = [f"- {name}: {value}" for name, value in book.facts.items()]
    text = (
        "Written by `make bench`; [how it measures](../docs/performance.md#how-it-is-measured). All servers of a row "
        "ran in one run on one machine, beside the load generator, with the same torch code, one worker and one "
        "thread; each at the better of batch size 1 and 16 (one connection: batch size 1), where a table does not say "
        "otherwise. "
        "Figures are medians over the rounds. *tsnb ×* says how many times better tsnb is: its requests per second "
        "over the other's, or the other's time over its; below 1, tsnb loses."
    )
    return f"{text}\n\n" + "\n".join(lines)


def _goals(book: Book) -> str:
    found = verdicts(book)
    if not found:
        return ""
    lines = [f"| {v.row} | {v.wanted} | {v.measured} | {'yes' if v.reached else '**no**'} |" for v in found]
    head = ["## The goals", "", "| row | wanted | measured | reached |", "|---|---|---|---|"]
    return "\n".join([*head, *lines])


def _row(book: Book, row: str) -> str:
    parts = [f"## {TITLES.get(row, row)}"]
    parts += [_case(book, row, case) for case in book.cases(row)]
    return "\n\n".join(parts)


def _case(book: Book, row: str, case: str) -> str:
    subjects = book.subjects(row, case)
    names = [n for n in COLUMNS if any(book.median(row, case, s, n) is not None for s in subjects)]
    key = next((n for n in names if n in {"rate", "p50"} | SMALLER), names[0])
    ratio = len(subjects) > 1 and "tsnb" in subjects
    heads = ["server", "setting", *(COLUMNS[n][0] for n in names), *(["tsnb ×"] if ratio else []), "rounds"]
    lines = [f"### {case}", "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for subject in sorted(subjects, key=lambda s: _order(book, row, case, s, key)):
        cells = [_title(subject), book.of(row, case, subject)[-1].setting]
        cells += [_cell(book.median(row, case, subject, n), COLUMNS[n][1]) for n in names]
        cells += [_times(book, row, case, subject, key)] if ratio else []
        cells.append(str(len(book.of(row, case, subject))))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _order(book: Book, row: str, case: str, subject: str, key: str) -> float:
    value = book.median(row, case, subject, key) or 0.0
    return -value if key == "rate" else value


def _times(book: Book, row: str, case: str, subject: str, key: str) -> str:
    ours, theirs = book.median(row, case, "tsnb", key), book.median(row, case, subject, key)
    if not ours or not theirs or subject == "tsnb":
        return ""
    return f"{ours / theirs:.2f}" if key == "rate" else f"{theirs / ours:.2f}"


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _title(subject: str) -> str:
    return f"**{subject}**" if subject == "tsnb" else PEERS[subject].title if subject in PEERS else subject


def _missing(book: Book) -> str:
    if not book.notes:
        return ""
    lines = [f"- {note.row}, {note.subject}: {note.text}" for note in book.notes]
    return "\n".join(["## Not measured, and why", "", *lines])
