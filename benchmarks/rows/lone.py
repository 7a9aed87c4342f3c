"""A lone request where batches of 16 and a wait of 100 ms are allowed, beside the same with batches of one."""

from __future__ import annotations

import statistics
import time

from benchmarks.book import Book
from benchmarks.client import Connection, request_bytes
from benchmarks.contest import Entrant, contest, turn
from benchmarks.plan import Plan
from benchmarks.server import Server

ROW = "lone"
MOST = 1000


def measure(book: Book, plan: Plan) -> None:
    """One request after the other, on one connection."""
    with contest(book, plan, ROW, "mlp", (1, 16), delay=100) as entrants:
        for _ in range(plan.rounds):
            for entrant in entrants:
                with turn(book, ROW, entrant) as server:
                    case = f"{entrant.setting}, may wait 100 ms" if entrant.batch > 1 else entrant.setting
                    book.add(ROW, case, entrant.peer.name, entrant.setting, **_latencies(entrant, server, plan.seconds))


def _latencies(entrant: Entrant, server: Server, seconds: float) -> dict[str, float]:
    request = request_bytes(server.url, entrant.bodies[0], entrant.content_type)
    taken: list[float] = []
    with Connection(server.url) as connection:
        connection.ask(request)
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(taken) < MOST:
            taken.append(connection.ask(request).seconds * 1000)
    return {"p50": statistics.median(taken), "p99": sorted(taken)[int(len(taken) * 0.99)], "requests": len(taken)}
