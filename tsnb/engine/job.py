"""One request on its way through the engine, and whoever waits for its answer."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from time import monotonic

from tsnb.engine.api import Outcome, Stream
from tsnb.messages import Reply, Request
from tsnb.speedups import JobBase
from tsnb.speedups.plain import UNTOLD

log = logging.getLogger(__name__)

MAX_WAITING_PARTS = 256
"""Parts of a stream that may wait for a slow client before its worker is no longer read from."""


class Job(JobBase):
    """A request, when it came, and who is told.

    Times are those of ``time.monotonic``: a loop's own clock can tick in milliseconds. ``done`` is called once, with
    the outcome, unless the job is abandoned before. ``counted`` are the counters that its answer goes to; ``withdraw``
    takes it from where it waits. It was ``met`` when a worker was idle for it: from then on it waits for nothing but
    its batch to fill, and is ``taken`` together with others, ``batch`` in all. ``settled``: it has its outcome, or the
    first part of one, whose others are ``parts``. ``reply`` is kept for the records, and None for a stream.
    """

    __slots__ = ()

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.parts.closed if self.parts is not None else self.settled

    def abandon(self) -> None:
        """Nobody waits any more: the answer, if there will be one, is dropped."""
        self.settled = True

    def give_up(self) -> None:
        """The client is gone: the job is forgotten, wherever it is."""
        self.abandon()
        if self.withdraw is not None:
            self.withdraw(self)

    def answer(self, reply: Reply) -> None:
        """Give a reply: the whole answer, or the next part of one."""
        if self.settled:
            if self.parts is not None:
                self.parts.put(reply)
        elif reply.more:
            self.parts = Parts()
            self._settle(Stream(reply, self.parts))
        else:
            self.reply = reply
            self._settle(reply)  # the way of most answers

    def fail(self, error: Exception) -> None:
        """Give an error instead of a reply, or instead of the rest of a stream."""
        self.error = error
        if self.parts is not None:
            self.parts.fail(error)
        elif not self.settled:
            self._settle(error)

    def _settle(self, outcome: Outcome) -> None:
        self.settled = True
        try:
            self.done(outcome)
        except Exception:  # it must not harm the other jobs of the batch
            log.exception(UNTOLD, self.request.id)

    @property
    def behind(self) -> bool:
        """Whether the client reads its stream slower than the worker writes it."""
        return self.parts is not None and self.parts.waiting >= MAX_WAITING_PARTS


class Parts(AsyncIterator[Reply]):
    """The later parts of a stream, in order, for one reader."""

    def __init__(self) -> None:
        self._parts: deque[Reply | Exception] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._finished = False
        self.closed = False
        #: Called when the reader has caught up, or has left.
        self.on_room: Callable[[], None] | None = None

    @property
    def waiting(self) -> int:
        """Parts that arrived and were not read yet."""
        return 0 if self.closed else len(self._parts)

    def put(self, reply: Reply) -> None:
        """Add a part; one without ``more`` is the last."""
        self._add(reply)

    def fail(self, error: Exception) -> None:
        """End the stream with an error."""
        self._add(error)

    def _add(self, part: Reply | Exception) -> None:
        if self.closed:
            return
        self._parts.append(part)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def __anext__(self) -> Reply:
        while not self._parts:
            if self._finished or self.closed:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        if self._finished or self.closed:
            raise StopAsyncIteration
        return self._next()

    def ready(self) -> list[Reply]:
        """The parts that have come already, without waiting for any."""
        found = []
        while self._parts and isinstance(self._parts[0], Reply) and not (self._finished or self.closed):
            found.append(self._next())
        return found

    def _next(self) -> Reply:
        part = self._parts.popleft()
        if isinstance(part, Exception):
            self._finished = True
            raise part
        self._finished = not part.more
        if len(self._parts) < MAX_WAITING_PARTS // 2:
            self._say_room()
        return part

    def _say_room(self) -> None:
        if self.on_room is not None:
            self.on_room()

    async def aclose(self) -> None:
        """Nobody reads on: later parts are dropped."""
        self.closed = True
        self._say_room()


def asked(request: Request) -> tuple[Job, asyncio.Future[Reply | Stream]]:
    """A job and the future of its answer."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Reply | Stream] = loop.create_future()

    def done(outcome: Outcome) -> None:
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    return Job(request, done, monotonic()), future
