"""The figures that tsnb is meant to reach, each beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.book import Book

BARE = "bare loop"


class Verdict(NamedTuple):
    """One goal: what was wanted, what was measured, and whether that is enough."""

    row: str
    wanted: str
    measured: str
    reached: bool


def verdicts(book: Book) -> list[Verdict]:
    """Every goal for which there is something to compare."""
    return [verdict for find in FINDERS for verdict in find(book)]


def _ratios(
    book: Book, row: str, cases: tuple[str, ...], wanted: dict[str, float], name: str = "rate"
) -> Iterator[Verdict]:
    """tsnb's figure over each peer's."""
    for peer, least in wanted.items():
        for case in cases:
            ours, theirs = book.median(row, case, "tsnb", name), book.median(row, case, peer, name)
            if ours and theirs:
                said = f"{ours / theirs:.1f} × ({ours:,.0f} / {theirs:,.0f})"
                yield Verdict(row, f"{case}: ≥ {least:g} × {peer}", said, ours >= least * theirs)


def _limits(
    book: Book, row: str, wanted: dict[str, tuple[str, float]], unit: str, subject: str = "tsnb"
) -> Iterator[Verdict]:
    """tsnb's figure below a limit."""
    for case, (name, most) in wanted.items():
        value = book.median(row, case, subject, name)
        if value is not None:
            yield Verdict(row, f"{case}: < {most:g} {unit}", f"{value:.3g} {unit}", value < most)


def _bare(book: Book, row: str) -> float:
    cases = [case for case in book.cases(row) if BARE in book.subjects(row, case)]
    return max((book.median(row, case, BARE, "rate") or 0.0 for case in cases), default=0.0)


def _of_bare(book: Book, row: str, cases: list[str], least: float) -> Iterator[Verdict]:
    best = _bare(book, row)
    for case in cases:
        rate = book.median(row, case, "tsnb", "rate")
        if rate and best:
            said = f"{rate / best:.0%} ({rate:,.0f} / {best:,.0f})"
            yield Verdict(row, f"{case}: ≥ {least:.0%} of the bare loop", said, rate >= least * best)


MANY = ("16 connections", "64 connections")


def _echo(book: Book) -> Iterator[Verdict]:
    ours, theirs = (book.median("echo", "1 connection", name, "p50") for name in ("tsnb", "mosec"))
    if ours and theirs:
        said = f"{ours * 1000:.0f} µs / {theirs * 1000:.0f} µs"
        yield Verdict("echo", "1 connection: p50 ≤ Mosec's unbatched", said, ours <= theirs)
    yield from _ratios(book, "echo", ("1 connection",), {"torchserve": 4})
    yield from _ratios(book, "echo", MANY, {"mosec": 3, "torchserve": 12, "litserve": 30, "ray": 100})


def _mlp(book: Book) -> Iterator[Verdict]:
    yield from _ratios(book, "mlp", MANY, {"mosec": 2.5})
    yield from _of_bare(book, "mlp", list(MANY), 0.75)


def _cnn(book: Book) -> Iterator[Verdict]:
    ours = [case for case in book.cases("cnn") if "tsnb" in book.subjects("cnn", case)]
    yield from _of_bare(book, "cnn", ours, 0.95)
    for case in (case for case in ours if case.endswith("batch 1")):
        one = book.median("cnn", case, "tsnb", "rate")
        many = book.median("cnn", case.replace("batch 1", "batch 16"), "tsnb", "rate")
        if one and many:
            wanted = f"{case.partition(',')[0]}: batch 16 no slower than batch 1"
            yield Verdict("cnn", wanted, f"{many:.1f} / {one:.1f} req/s", many >= 0.98 * one)


def _raw(book: Book) -> Iterator[Verdict]:
    yield from _ratios(book, "raw", book_cases(book, "raw"), {"mosec": 1})
    for case in book_cases(book, "raw"):
        samples = book.of("raw", case, "tsnb")
        if len(samples) > 1:
            grown = samples[-1].values["pss"] - samples[0].values["pss"]
            yield Verdict("raw", f"{case}: memory flat (< 20 MB more after all rounds)", f"{grown:+.1f} MB", grown < 20)


def book_cases(book: Book, row: str) -> tuple[str, ...]:
    """The cases of a row with connections."""
    return tuple(case for case in book.cases(row) if "connection" in case)


def _stream(book: Book) -> Iterator[Verdict]:
    case = "10,000 chunks"
    rate = book.median("stream", case, "tsnb", "rate")
    if rate:
        yield Verdict("stream", "≥ 10,000 chunks/s", f"{rate:,.0f}", rate >= 10_000)
    yield from _limits(book, "stream", {case: ("first_ms", 3)}, "ms until the first chunk")
    yield from _ratios(book, "stream", (case,), {"litserve": 3})


def _lone(book: Book) -> Iterator[Verdict]:
    one = book.median("lone", "batch 1", "tsnb", "p50")
    many = book.median("lone", "batch 16, may wait 100 ms", "tsnb", "p50")
    if one and many:
        said = f"{many * 1000:.0f} µs / {one * 1000:.0f} µs"
        yield Verdict("lone", "batch 16 with 100 ms ≤ 1.05 × batch 1 (p50)", said, many <= 1.05 * one)


def _half(book: Book) -> Iterator[Verdict]:
    yield from _limits(book, "half", dict.fromkeys(book.cases("half"), ("p99", 2.0)), "ms over the model at the p99")
    for case in book.cases("half"):
        ours, alone = (book.median("half", case, name, "p99") for name in ("tsnb", BARE))
        if ours is not None and alone is not None:
            said = f"{ours:.3g} ms / {alone:.3g} ms"
            yield Verdict("half", f"{case}: < 2 ms over the loop alone, at the p99 of both", said, ours < alone + 2)


def _models(book: Book) -> Iterator[Verdict]:
    big = {"… extracted before": ("ms", 1000.0), "scale 1 → 4": ("ms", 500.0)}
    yield from _limits(book, "weights", big, "ms")
    pss, limit = (book.median("weights", "4 workers together", "tsnb", name) for name in ("pss", "limit"))
    if pss and limit:
        wanted = "4 workers: PSS ≤ 1.15 × one copy + 100 MB each"
        yield Verdict("weights", wanted, f"{pss:,.0f} MB of {limit:,.0f} MB", pss <= limit)
    yield from _limits(book, "trivial", {"register, 1 worker": ("ms", 100.0), "scale 1 → 8": ("ms", 500.0)}, "ms")
    yield from _limits(book, "archive", {"again, other handler": ("seconds", 1.0)}, "s")
    ours, disk = (
        book.median("archive", "archive", "tsnb", "seconds"),
        book.median("archive", "copy the weights to disk", "cp", "seconds"),
    )
    if ours and disk:
        yield Verdict(
            "archive", "archive: limited by the disk (≤ 2 × a copy)", f"{ours:.2f} s / {disk:.2f} s", ours <= 2 * disk
        )


def _notebook(book: Book) -> Iterator[Verdict]:
    ours, empty = (book.median("notebook", "CPU of the server", name, "cpu_us") for name in ("tsnb", "empty handler"))
    if ours and empty:
        said = f"{ours / empty:.2f} × ({ours:.0f} µs / {empty:.0f} µs)"
        yield Verdict("notebook", "CPU per request ≤ 1.3 × an empty handler", said, ours <= 1.3 * empty)
    yield from _limits(book, "notebook", {"kernel 1+1, 1,000 requests/s": ("p95", 60.0)}, "ms at the p95")


FINDERS: tuple[Callable[[Book], Iterator[Verdict]], ...] = (
    _echo,
    _mlp,
    _cnn,
    _raw,
    _lone,
    _stream,
    _half,
    _models,
    _notebook,
)
