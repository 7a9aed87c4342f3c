"""A stream of 10,000 small chunks: chunks per second, and how soon the first one arrives."""

from __future__ import annotations

import re

from benchmarks.book import Book
from benchmarks.client import Connection, request_bytes
from benchmarks.contest import Entrant, contest, turn
from benchmarks.correctness import WrongAnswer
from benchmarks.plan import Plan
from benchmarks.server import Server
from benchmarks.tasks.bench_task import CHUNKS

ROW = "stream"
EACH = 3
"""Streams that are counted in a turn."""


def measure(book: Book, plan: Plan) -> None:
    """Alternating rounds, one stream at a time. The first of each turn is not counted: it wakes what was held still."""
    with contest(book, plan, ROW, "stream", (1,)) as entrants:
        for _ in range(plan.rounds):
            for entrant in entrants:
                with turn(book, ROW, entrant) as server:
                    _once(entrant, server)
                    for _ in range(EACH):
                        book.add(
                            ROW, f"{CHUNKS:,} chunks", entrant.peer.name, entrant.setting, **_once(entrant, server)
                        )


def _once(entrant: Entrant, server: Server) -> dict[str, float]:
    with Connection(server.url) as connection:
        arrival = connection.stream(request_bytes(server.url, entrant.bodies[0], entrant.content_type), b"tok-0@")
    numbers = [int(found) for found in re.findall(rb"tok-(\d+)", arrival.body)]
    if arrival.status != 200 or numbers != list(range(CHUNKS)):
        raise WrongAnswer(f"status {arrival.status}, {len(numbers)} chunks, or not in order")
    stamp = re.search(rb"tok-0@([\d.]+)", arrival.body)
    assert stamp is not None
    sent = float(stamp[1])
    return {"rate": CHUNKS / (arrival.last - sent), "first_ms": (arrival.first - sent) * 1000}
