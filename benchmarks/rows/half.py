"""The p99 of what a server adds to the model's own time, at half of the load that the model can take."""

from __future__ import annotations

import asyncio

from benchmarks.book import Book
from benchmarks.contest import Entrant, contest, turn
from benchmarks.correctness import WrongAnswer, bare
from benchmarks.open_loop import Asked, ask
from benchmarks.plan import Plan
from benchmarks.server import Server

ROW = "half"
EARLY = 0.002
"""Seconds before each request in which the client does not sleep: its own timers are no fault of the server."""


def measure(book: Book, plan: Plan) -> None:
    """Requests at even intervals, whether or not earlier ones have been answered."""
    rate = float(bare("rate", "cnn", 1, plan.seconds)) / 2
    with contest(book, plan, ROW, "cnn", (1, 16)) as entrants:
        for _ in range(plan.rounds):
            for entrant in entrants:
                if plan.late():
                    return
                with turn(book, ROW, entrant) as server:
                    values = _overhead(entrant, server, rate, max(plan.seconds, 2) * 2)
                    book.add(ROW, f"{rate:.0f} requests/s, {entrant.setting}", entrant.peer.name, "", **values)


def _overhead(entrant: Entrant, server: Server, rate: float, seconds: float) -> dict[str, float]:
    asked = asyncio.run(ask(server.url, entrant.bodies[0], entrant.content_type, {}, rate, seconds, 16, early=EARLY))
    added = sorted(_added(entrant, each) for each in asked)
    return {"p50": added[len(added) // 2], "p99": added[int(len(added) * 0.99)], "requests": len(added)}


def _added(entrant: Entrant, one: Asked) -> float:
    """Milliseconds beyond the model's own time, from when the request was due."""
    if one.status != 200:
        raise WrongAnswer(f"status {one.status}: {one.body[:200]!r}")
    own = entrant.peer.answer(one.body, entrant.batch)["seconds"]
    return float(one.seconds - own) * 1000
