"""All servers of a task at once, each held still but when it is its turn."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.book import Book
from benchmarks.correctness import WrongAnswer, check
from benchmarks.environments import NotInstalled
from benchmarks.peers import PEERS
from benchmarks.peers.base import Peer
from benchmarks.plan import Plan
from benchmarks.processes import running
from benchmarks.server import NotStarted, Server, scratch, started, until_it_answers
from benchmarks.tasks import inputs

UNABLE = (NotInstalled, NotStarted, WrongAnswer, OSError, RuntimeError)


@dataclass
class Entrant:
    """One server with one batch size."""

    peer: Peer
    task: str
    batch: int
    server: Server
    bodies: list[bytes] = field(default_factory=list)

    @property
    def setting(self) -> str:
        return f"batch {self.batch}"

    @property
    def content_type(self) -> str:
        return inputs.content_type(self.task)


@contextlib.contextmanager
def contest(
    book: Book, plan: Plan, row: str, task: str, batches: tuple[int, ...], delay: int = 10, peers: Any = None
) -> Iterator[list[Entrant]]:
    """The servers that came up and answered right, paused; the others are in the book's notes."""
    with contextlib.ExitStack() as stack:
        entrants = []
        for peer in (PEERS[name] for name in plan.peers if peers is None or name in peers):
            if task not in peer.tasks:
                book.note(row, peer.name, f"its app here does not have the task {task!r}")
                continue
            for batch in batches:
                try:
                    entrants.append(_enter(stack, peer, task, batch, delay))
                except UNABLE as error:
                    book.note(row, peer.name, f"batch {batch}: {error}")
        yield entrants


def _enter(stack: contextlib.ExitStack, peer: Peer, task: str, batch: int, delay: int) -> Entrant:
    with contextlib.ExitStack() as own:
        folder = own.enter_context(scratch())
        server = own.enter_context(started(peer.launch(task, batch, delay, folder), folder))
        bodies = [peer.body(task, value, batch) for value in inputs.values(task)]
        until_it_answers(server, bodies[0], inputs.content_type(task))
        if task != "stream":
            check(server, peer, task, batch)
        server.family.pause()
        stack.push(own.pop_all())
        return Entrant(peer, task, batch, server, bodies)


@contextlib.contextmanager
def turn(book: Book, row: str, entrant: Entrant) -> Iterator[Server]:
    """It runs while the others stand; what fails meanwhile is noted and does not end the run."""
    with running(entrant.server.family):
        try:
            yield entrant.server
        except UNABLE as error:
            book.note(row, entrant.peer.name, f"{entrant.setting}: {error}")


def by_peer(entrants: list[Entrant]) -> dict[str, list[Entrant]]:
    """The settings of each peer."""
    found: dict[str, list[Entrant]] = {}
    for entrant in entrants:
        found.setdefault(entrant.peer.name, []).append(entrant)
    return found
