"""A 1 GB eager model: register to first answer, scale 1 → 4 workers, and what four workers take."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.book import Book
from benchmarks.contest import UNABLE
from benchmarks.peers import PEERS
from benchmarks.plan import Plan
from benchmarks.processes import MEGABYTE, pss
from benchmarks.rows import big, models
from benchmarks.server import scratch, started

ROW = "weights"


def measure(book: Book, plan: Plan) -> None:
    """tsnb in every round; TorchServe, which takes minutes, once (never in the quick form)."""
    with scratch() as folder:
        made = big.make(folder / "big", plan.gigabyte)
        store = folder / "store"
        subprocess.run(big.archiver([sys.executable, "-m", "tsnb", "archive"], made, store), check=True, timeout=600)
        for number in range(plan.rounds):
            for name in ("tsnb", "torchserve"):
                if name in plan.peers and not plan.late() and (name == "tsnb" or (number == 0 and not plan.quick)):
                    try:
                        _once(book, name, store / "big.mar")
                    except UNABLE as error:
                        book.note(ROW, name, error)


def _once(book: Book, name: str, archive: Path) -> None:
    with scratch() as folder:
        launch, store = models.empty(PEERS[name].launch("echo", 1, 100, folder), folder)
        os.link(archive, store / "big.mar")
        # A cache of its own: the first registration has to extract.
        with (folder / "config.properties").open("a") as config:
            config.write(f"cache_dir={folder / 'cache'}\n" if name == "tsnb" else "")
        with started(launch, folder) as server:
            models.ready(server.management)
            models.register(server.management, "echo.mar")  # the nursery may still be importing torch
            models.unregister(server.management, "echo")
            _big(book, name, server.management, server.url.rpartition("/predictions")[0], archive)
        shutil.rmtree(folder / "cache", ignore_errors=True)


def _big(book: Book, name: str, base: str, inference: str, archive: Path) -> None:
    size = archive.stat().st_size / MEGABYTE
    book.add(ROW, "register to first answer, new", name, ms=_to_first_answer(base, inference), size=size)
    models.unregister(base, "big")
    book.add(ROW, "… extracted before", name, ms=_to_first_answer(base, inference), size=size)
    book.add(ROW, "scale 1 → 4", name, ms=models.scale(base, "big", 4) * 1000)
    for _ in range(12):
        models.call(inference, "POST", "/predictions/big", b"{}", "application/json")
    found = [pss(pid) for pid in models.pids(base, "big")]
    book.add(ROW, "4 workers together", name, pss=sum(found), most=max(found), limit=1.15 * size + 400)


def _to_first_answer(base: str, inference: str) -> float:
    start = time.perf_counter()
    models.register(base, "big.mar")
    models.call(inference, "POST", "/predictions/big", b"{}", "application/json")
    return (time.perf_counter() - start) * 1000
