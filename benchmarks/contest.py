"""All servers of a task at once, each held still but when it is its turn."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.book import Book
from benchmarks.correctness import WrongAnswer, check
from benchmarks.environments import NotInstalled
from benchmarks.peers import PEERS
from benchmarks.peers.base import Peer
from benchmarks.plan import Plan
from benchmarks.processes import running
from benchmarks.server import NotStarted, Server, scratch, started, until_it_answers
from benchmarks.tasks import inputs

STARTED_AT_ONCE = 2
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
    book: Book, plan: Plan, row: str, task: str, batches: tuple[int, ...], delay: int = 10, workers: int = 1
) -> Iterator[list[Entrant]]:
    """The servers that came up and answered right, paused; the others are in the book's notes."""
    opened: list[contextlib.ExitStack] = []
    wanted = [(PEERS[name], batch) for name in plan.peers for batch in batches]

    def enter(each: tuple[Peer, int]) -> Entrant | Exception:
        try:
            return _enter(opened, plan, each[0], task, each[1], delay, workers)
        except UNABLE as error:
            return error

    try:
        with ThreadPoolExecutor(STARTED_AT_ONCE) as pool:
            found = list(pool.map(enter, wanted))
        for (peer, batch), result in zip(wanted, found, strict=True):
            if isinstance(result, Exception):
                book.note(row, peer.name, f"batch {batch}: {result}")
        yield [result for result in found if isinstance(result, Entrant)]
    finally:
        with ThreadPoolExecutor(len(opened) or 1) as pool:
            list(pool.map(contextlib.ExitStack.close, opened))


def _enter(
    opened: list[contextlib.ExitStack], plan: Plan, peer: Peer, task: str, batch: int, delay: int, workers: int
) -> Entrant:
    if task not in peer.tasks:
        raise NotStarted(f"its app here does not have the task {task!r}")
    if plan.late():
        raise NotStarted("the time was up")
    own = contextlib.ExitStack()
    opened.append(own)
    folder = own.enter_context(scratch())
    try:
        server = own.enter_context(started(peer.launch(task, batch, delay, folder, workers), folder))
        bodies = [peer.body(task, value, batch) for value in inputs.values(task)]
        until_it_answers(server, bodies[0], inputs.content_type(task))
        if task != "stream":
            check(server, peer, task, batch)
        if plan.nice:
            server.family.prioritise(plan.nice)
        server.family.pause()
    except BaseException:
        own.close()
        raise
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
