"""What stands in where nothing is compiled: the same names, and no short way.

Whoever calls these goes on by itself where it is told that there is none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tsnb.messages import Buffer, Reply, Request

log = logging.getLogger("tsnb.engine.job")

UNTOLD = "the answer to request %s could not be handed over"


class ServiceBase:
    """What all connections share."""


class IntakeBase:
    """The requests of one turn of the loop, and what each of their jobs is given."""

    jobs: list[Any]
    counted: Any = None
    withdraw: Callable[[Any], None] | None = None


Express: TypeAlias = None
"""What the short way needs to know of a head; there is none here."""


class JobBase:
    """What is known of one request on its way (see :class:`tsnb.engine.job.Job`)."""

    __slots__ = (
        "batch",
        "counted",
        "created",
        "done",
        "error",
        "met",
        "parts",
        "reply",
        "request",
        "settled",
        "taken",
        "withdraw",
    )

    def __init__(
        self,
        request: Request,
        done: Callable[[Any], None],
        created: float,
        counted: Any = None,
        withdraw: Callable[[Any], None] | None = None,
        met: float = 0.0,
        taken: float = 0.0,
    ) -> None:
        self.request = request
        self.done = done
        self.created = created
        self.counted = counted
        self.withdraw = withdraw
        self.met = met
        self.taken = taken
        self.batch = 0
        self.settled = False
        self.parts: Any = None
        self.reply: Reply | None = None
        self.error: Exception | None = None


class ConnectionBase(asyncio.Protocol):
    """The bytes of one client come here first."""

    at_rest: Any
    straight: bool
    moved: bool
    waiting: Any
    lane: Any
    request_id: str
    begun: float
    abandon: Callable[[], None] | None

    def prepare(self, service: Any, heads: Any) -> None:
        """Nothing is to be remembered here."""

    def connected(self, transport: asyncio.Transport) -> None:
        """The same."""

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or several requests at once."""
        self.received(data)

    def received(self, data: bytes) -> None:
        """What does not go the short way."""
        raise NotImplementedError


def express(intake: Callable[..., Any], headers: dict[str, str], mime: str) -> None:
    """There is no short way for requests that are taken in here."""


def together(jobs: Sequence[JobBase]) -> bool:
    """Whether all came the short way, are still waited for, and can share a batch."""
    return False


def mark(jobs: Sequence[JobBase], idle_since: float, now: float) -> None:
    """Note that these jobs are taken together, by a worker that is idle since then."""
    count = len(jobs)
    for job in jobs:
        created = job.created
        job.met = created if created > idle_since else idle_since
        job.taken, job.batch = now, count


def spent(jobs: Sequence[JobBase], now: float) -> tuple[float, float, float, float, int, Any]:
    """How long the jobs of a batch took, in seconds until ``now``.

    All together, the longest, how long they were queued together, and the last of them; then how many of them
    failed, and what counts them, None where that is not the same for all.
    """
    total, longest, queued, last, failed = 0.0, 0.0, 0.0, 0.0, 0
    counted = jobs[0].counted
    for job in jobs:
        created = job.created
        latency, last = now - created, job.taken - created
        total += latency
        queued += last
        if latency > longest:
            longest = latency
        if job.error is not None:
            failed += 1
        if job.counted is not counted:
            counted = None
    return total, longest, queued, last, failed, counted


def frame(number: int, jobs: Sequence[JobBase]) -> bytes | None:
    """The frame of a batch, where all of its jobs came the short way."""
    return None


def given(jobs: Sequence[JobBase], sizes: tuple[int, ...], bodies: Buffer, timings: dict[str, float]) -> bool:
    """Note the answers of jobs that all came the short way; False, and nothing is noted, where some did not."""
    return False


def tell(jobs: Sequence[JobBase]) -> None:
    """Give the jobs of a batch the replies that were noted for them."""
    for job in jobs:
        if not job.settled and job.reply is not None:
            job.settled = True
            try:
                job.done(job.reply)
            except Exception:  # it must not harm the other jobs of the batch
                log.exception(UNTOLD, job.request.id)


def indented(value: Any) -> bytes | None:
    """The bytes of ``json.dumps(value, indent=2)``, where that is quicker than Python's."""
    return None
