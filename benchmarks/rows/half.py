"""The p99 of what a server adds to the model's own time, at half of the load that the model can take."""

from __future__ import annotations

import asyncio
import json

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
    seconds = max(plan.seconds, 2) * 2
    with contest(book, plan, ROW, "cnn", (1, 16)) as entrants:
        for _ in range(plan.rounds):
            _alone(book, entrants, rate, seconds)
            for entrant in entrants:
                if plan.late():
                    return
                with turn(book, ROW, entrant) as server:
                    values = _overhead(entrant, server, rate, seconds)
                    book.add(ROW, _case(rate, entrant), entrant.peer.name, "", **values)


def _case(rate: float, entrant: Entrant) -> str:
    return f"{rate:.0f} requests/s, {entrant.setting}"


def _alone(book: Book, entrants: list[Entrant], rate: float, seconds: float) -> None:
    """The same without any server: what the machine itself adds, and requests that wait for the ones before them."""
    added = _spread(json.loads(bare("paced", "cnn", rate, seconds)))
    for case in sorted({_case(rate, entrant) for entrant in entrants}):
        book.add(ROW, case, "bare loop", "", **added)


def _overhead(entrant: Entrant, server: Server, rate: float, seconds: float) -> dict[str, float]:
    asked = asyncio.run(ask(server.url, entrant.bodies[0], entrant.content_type, {}, rate, seconds, 16, early=EARLY))
    return _spread([_added(entrant, each) for each in asked])


def _spread(added: list[float]) -> dict[str, float]:
    added = sorted(added)
    return {"p50": added[len(added) // 2], "p99": added[int(len(added) * 0.99)], "requests": len(added)}


def _added(entrant: Entrant, one: Asked) -> float:
    """Milliseconds beyond the model's own time, from when the request was due."""
    if one.status != 200:
        raise WrongAnswer(f"status {one.status}: {one.body[:200]!r}")
    own = entrant.peer.answer(one.body, entrant.batch)["seconds"]
    return float(one.seconds - own) * 1000
