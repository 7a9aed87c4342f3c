"""One request on its way through the engine, and the future of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from tsnb.engine.api import Stream
from tsnb.messages import Reply, Request

Outcome: TypeAlias = Reply | Stream

MAX_WAITING_PARTS = 256
"""Parts of a stream that may wait for a slow client before its worker is no longer read from."""


class Job:
    """A request, when it came, when it must be answered, and who waits for it.

    Times are those of the event loop's clock. The future gets a
    :class:`Reply`, a :class:`Stream`, or an exception of :mod:`tsnb.errors`.
    """

    __slots__ = ("created", "deadline", "error", "future", "parts", "reply", "request", "taken")

    def __init__(
        self, request: Request, future: asyncio.Future[Outcome], created: float, deadline: float | None = None
    ) -> None:
        self.request = request
        self.future = future
        self.created = created
        self.deadline = deadline
        self.taken = 0.0
        self.parts: Parts | None = None
        #: What it was answered with, for the records; None for a stream.
        self.reply: Reply | None = None
        self.error: Exception | None = None

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.parts.closed if self.parts is not None else self.future.done()

    def answer(self, reply: Reply) -> None:
        """Give a reply: the whole answer, or the next part of one."""
        if self.parts is not None:
            self.parts.put(reply)
        elif self.future.done():
            return
        elif reply.more:
            self.parts = Parts()
            self.future.set_result(Stream(reply, self.parts))
        else:
            self.reply = reply
            self.future.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Give an error instead of a reply, or instead of the rest of a stream."""
        self.error = error
        if self.parts is not None:
            self.parts.fail(error)
        elif not self.future.done():
            self.future.set_exception(error)

    @property
    def behind(self) -> bool:
        """Whether the client reads its stream slower than the worker writes it."""
        return self.parts is not None and self.parts.waiting >= MAX_WAITING_PARTS


class Parts(AsyncIterator[Reply]):
    """The later parts of a stream, in order, for one reader."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Reply | Exception] = asyncio.Queue()
        self._finished = False
        self.closed = False
        #: Called when the reader has caught up, or has left.
        self.on_room: Callable[[], None] | None = None

    @property
    def waiting(self) -> int:
        """Parts that arrived and were not read yet."""
        return 0 if self.closed else self._queue.qsize()

    def put(self, reply: Reply) -> None:
        """Add a part; one without ``more`` is the last."""
        if not self.closed:
            self._queue.put_nowait(reply)

    def fail(self, error: Exception) -> None:
        """End the stream with an error."""
        if not self.closed:
            self._queue.put_nowait(error)

    async def __anext__(self) -> Reply:
        if self._finished or self.closed:
            raise StopAsyncIteration
        part = await self._queue.get()
        if isinstance(part, Exception):
            self._finished = True
            raise part
        self._finished = not part.more
        if self._queue.qsize() < MAX_WAITING_PARTS // 2:
            self._say_room()
        return part

    def _say_room(self) -> None:
        if self.on_room is not None:
            self.on_room()

    async def aclose(self) -> None:
        """Nobody reads on: later parts are dropped."""
        self.closed = True
        self._say_room()
