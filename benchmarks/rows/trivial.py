"""A trivial model: register with one worker, scale from 1 to 8."""

from __future__ import annotations

import time

from benchmarks.book import Book
from benchmarks.contest import UNABLE
from benchmarks.peers import PEERS
from benchmarks.plan import Plan
from benchmarks.rows import models
from benchmarks.server import scratch, started

ROW = "trivial"


def measure(book: Book, plan: Plan) -> None:
    """In each round a fresh server; TorchServe, which takes long, in the first one only.

    The first registration is left out: the nursery may still be importing torch.
    """
    for number in range(plan.rounds):
        for name in ("tsnb", "torchserve"):
            if name in plan.peers and (name == "tsnb" or number == 0):
                try:
                    _once(book, name)
                except UNABLE as error:
                    book.note(ROW, name, error)


def _once(book: Book, name: str) -> None:
    with scratch() as folder:
        launch, _ = models.empty(PEERS[name].launch("echo", 1, 100, folder), folder)
        with started(launch, folder) as server:
            base = server.management
            models.ready(base)
            models.register(base, "echo.mar")
            models.unregister(base, "echo")
            _settled(base)
            book.add(ROW, "register, 1 worker", name, ms=models.register(base, "echo.mar") * 1000)
            book.add(ROW, "scale 1 → 8", name, ms=models.scale(base, "echo", 8) * 1000)


def _settled(base: str) -> None:
    """Wait until the old model is gone."""
    end = time.monotonic() + 10
    while models.call(base, "GET", "/models")[0]["models"] and time.monotonic() < end:
        time.sleep(0.05)
