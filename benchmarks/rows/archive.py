"""Archiving 1 GB of weights, and again with another handler, beside torch-model-archiver and a plain copy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import environments
from benchmarks.book import Book
from benchmarks.contest import UNABLE
from benchmarks.plan import Plan
from benchmarks.rows import big
from benchmarks.server import scratch

ROW = "archive"


def measure(book: Book, plan: Plan) -> None:
    """tsnb and the copy in every round; torch-model-archiver, which deflates, once (never in the quick form)."""
    with scratch() as folder:
        made = big.make(folder / "big", plan.gigabyte)
        for number in range(plan.rounds):
            book.add(ROW, "copy the weights to disk", "cp", seconds=_copy(made / "big.pt", folder / "copy.pt"))
            _tsnb(book, made, folder / f"store{number}")
        if "torchserve" in plan.peers and not plan.quick and not plan.late():
            try:
                _archiver(book, made, folder / "peer")
            except (*UNABLE, subprocess.SubprocessError) as error:
                book.note(ROW, "torchserve", error)


def _tsnb(book: Book, made: Path, store: Path) -> None:
    command = big.archiver([sys.executable, "-m", "tsnb", "archive"], made, store)
    book.add(ROW, "archive", "tsnb", seconds=_timed(command))
    with (made / "big_handler.py").open("a") as handler:
        handler.write(f"# changed {time.time()}\n")
    book.add(ROW, "again, other handler", "tsnb", seconds=_timed([*command, "--force"]))
    (store / "big.mar").unlink()


def _archiver(book: Book, made: Path, store: Path) -> None:
    program = environments.python("torchserve").parent / "torch-model-archiver"
    command = big.archiver([str(program)], made, store)
    book.add(ROW, "archive", "torchserve", seconds=_timed(command))  # again, it would do the same


def _timed(command: list[str]) -> float:
    """Seconds of a whole command, its start included."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return time.perf_counter() - start


def _copy(source: Path, target: Path) -> float:
    start = time.perf_counter()
    with source.open("rb") as reading, target.open("wb") as writing:
        while piece := reading.read(1 << 22):
            writing.write(piece)
        writing.flush()
        os.fsync(writing.fileno())
    seconds = time.perf_counter() - start
    target.unlink()
    return seconds
