"""Requests per second with 1, 16 and 64 connections, each peer at its better setting."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.book import Book
from benchmarks.contest import Entrant, by_peer, contest, turn
from benchmarks.correctness import bare, check
from benchmarks.load import wrk
from benchmarks.open_loop import saturate
from benchmarks.plan import Plan
from benchmarks.processes import spent
from benchmarks.server import Launch, Server, free_port, scratch, started, until_it_answers

BATCHES = (1, 16)
BARE = "bare loop"
EMPTY = "empty server"
NOTHING = Path(__file__).parent.parent / "tasks" / "nothing.py"
SAME_BATCH = 0.005
"""Seconds within which answers belong to one batch."""


def measure(book: Book, plan: Plan, row: str, task: str, workers: int = 1) -> None:
    """Probe both settings, then alternate: A B C A B C."""
    with contest(book, plan, row, task, BATCHES, workers=workers) as entrants:
        peers = by_peer(entrants)
        better = {name: _better(book, row, settings) for name, settings in peers.items()}
        for _ in range(plan.rounds):
            if plan.late():
                book.note(row, "all", "the time was up before the last round")
                return
            _bare(book, plan, row, task)
            if row == "echo":
                _nothing(book, plan, row)
            for name, settings in peers.items():
                if row == "cnn":
                    _every(book, plan, row, settings)
                else:
                    _round(book, plan, row, settings, better[name])


def _better(book: Book, row: str, settings: list[Entrant]) -> Entrant:
    """The setting with more requests per second at 16 connections, in a second each, which also warms them up."""
    rates = {}
    for entrant in settings:
        with turn(book, row, entrant) as server:
            rates[entrant.batch] = _load(entrant, server, 16, 1)["rate"]
    return max(settings, key=lambda entrant: rates.get(entrant.batch, 0.0))


def _round(book: Book, plan: Plan, row: str, settings: list[Entrant], better: Entrant) -> None:
    """One connection goes to the server without batching, several to the better one."""
    for entrant in settings:
        alone = entrant.batch == min(each.batch for each in settings)
        counts = [n for n in plan.connections if (n == 1 and alone) or (n > 1 and entrant is better)]
        if counts:
            _one(book, plan, row, entrant, counts)


def _every(book: Book, plan: Plan, row: str, settings: list[Entrant]) -> None:
    """Where raising the batch size must not cost anything, each setting is a case of its own."""
    for entrant in settings:
        _one(book, plan, row, entrant, list(plan.connections), f", {entrant.setting}")


def _one(book: Book, plan: Plan, row: str, entrant: Entrant, counts: list[int], suffix: str = "") -> None:
    with turn(book, row, entrant) as server:
        for connections in counts:
            values = _load(entrant, server, connections, plan.seconds)
            case = f"{connections} connection{'s' if connections > 1 else ''}{suffix}"
            book.add(row, case, entrant.peer.name, entrant.setting, **values)
        check(server, entrant.peer, entrant.task, entrant.batch)


def _load(entrant: Entrant, server: Server, connections: int, seconds: float) -> dict[str, float]:
    family = server.family
    memory = family.pss()
    before = family.cpu_seconds()
    values = (
        _steady(entrant, server, connections, seconds)
        if entrant.task == "cnn"
        else wrk(server.url, entrant.bodies[0], entrant.content_type, connections, seconds, {})
    )
    cpu = spent(before, family.cpu_seconds())
    after = family.pss()
    requests = values.pop("requests")
    return {**values, "cpu_us": cpu / max(1, requests) * 1e6, "pss": after, "grown": after - memory}


def _steady(entrant: Entrant, server: Server, connections: int, seconds: float) -> dict[str, float]:
    """As wrk, but between the first batch's end and the last's: whole batches of slow models, no fractions of them."""
    asked = asyncio.run(saturate(server.url, entrant.bodies[0], entrant.content_type, connections, seconds))
    first, last = min(each.at for each in asked), max(each.at for each in asked)
    counted = sum(each.at > first + SAME_BATCH for each in asked)
    taken = sorted(each.seconds * 1000 for each in asked)
    return {
        "rate": counted / max(last - first, SAME_BATCH),
        "requests": len(asked),
        "p50": taken[len(taken) // 2],
        "p99": taken[int(len(taken) * 0.99)],
        "errors": sum(each.status != 200 for each in asked),
    }


def _nothing(book: Book, plan: Plan, row: str) -> None:
    """The load generator and the system alone: a server that reads nothing and computes nothing."""
    port = free_port()
    launch = Launch([sys.executable, str(NOTHING), str(port)], f"http://127.0.0.1:{port}/")
    body = b'{"x": 1}'
    with scratch() as folder, started(launch, folder) as server:
        until_it_answers(server, body, "application/json")
        if plan.nice:
            server.family.prioritise(plan.nice)
        for connections in plan.connections:
            before = server.family.cpu_seconds()
            values = wrk(server.url, body, "application/json", connections, plan.seconds / 2, {})
            cpu = spent(before, server.family.cpu_seconds())
            case = f"{connections} connection{'s' if connections > 1 else ''}"
            figures = {name: values[name] for name in ("rate", "p50", "p99", "errors")}
            book.add(row, case, EMPTY, "reads nothing", **figures, cpu_us=cpu / max(1, values["requests"]) * 1e6)


def _bare(book: Book, plan: Plan, row: str, task: str) -> None:
    for batch in BATCHES:
        rate = float(bare("rate", task, batch, plan.seconds / 2))
        book.add(row, f"one core, batch {batch}", BARE, f"batch {batch}", rate=rate)
