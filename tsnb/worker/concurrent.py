"""A worker whose handler is asynchronous: it takes batches while it works on others (spec 6.1).

The main thread runs the event loop, as libraries expect that watch signals or
start processes; another one reads what the server sends.
"""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Callable

from tsnb import protocol
from tsnb.messages import Failure
from tsnb.protocol import Batch, Buffer, Cancel, Failed, Load, Message, Stop
from tsnb.worker.model import Model, Send, batch_answer
from tsnb.worker.output import Tail
from tsnb.worker.stages import Stages

Read = Callable[[], tuple[Message, Buffer] | None]


class ConcurrentModel(Model):
    """A handler that is loaded once and then answers several batches at a time."""

    def __init__(self, order: Load, output: Tail, send: Send) -> None:
        super().__init__(order, output, send)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ids: dict[int, tuple[str, ...]] = {}

    def serve(self, read: Read) -> int:
        """Load, then answer batches until the server is gone or says stop; the exit status."""
        if not self.load():
            return 1
        asyncio.run(self._serve(read))
        return 0

    async def _serve(self, read: Read) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        threading.Thread(target=self._read, args=(read, loop, ended), name="tsnb-read", daemon=True).start()
        await ended
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _read(self, read: Read, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
        try:
            while (received := read()) is not None:
                loop.call_soon_threadsafe(self._obey, *received, ended)
        except (OSError, protocol.ProtocolError) as error:
            loop.call_soon_threadsafe(_lose, ended, error)

    def _obey(self, message: Message, bodies: Buffer, ended: asyncio.Future[None]) -> None:
        if isinstance(message, Stop):
            ended.set_result(None)  # what still runs may be cancelled later
        elif isinstance(message, Cancel):
            if task := self._tasks.get(message.number):
                task.cancel()
        elif isinstance(message, Batch):
            self._ids[message.number] = message.ids
            self._mark_output()
            task = self._tasks[message.number] = asyncio.create_task(self._answer_one(message, bodies))
            task.add_done_callback(lambda _: self._end(message.number))

    def _end(self, number: int) -> None:
        task = self._tasks.pop(number)
        ids = self._ids.pop(number)
        self._mark_output()
        if task.cancelled():  # perhaps before it began
            gone = Failure("CancelledError", "Nobody waits for the answer any more.", request_ids=ids)
            self._send(Failed(number, 503, "Cancelled", gone, self.context.metrics.take()), [])

    def _mark_output(self) -> None:
        """A line may belong to any of the requests that run."""
        self._output.clear([each for ids in self._ids.values() for each in ids])

    async def _answer_one(self, batch: Batch, bodies: Buffer) -> None:
        """Answer one batch among others, which shares the handler and what that put into the context."""
        turn = copy.copy(self)
        turn._stages = Stages()
        turn.context = copy.copy(self.context)
        turn.context.metrics = copy.copy(self.context.metrics)
        await turn._run(batch, bodies)

    async def _run(self, batch: Batch, bodies: Buffer) -> None:
        try:
            data = self._stages.run("decode", self._open, batch, bodies)
            assert self._entry is not None  # noqa: S101 (it was loaded before)
            start = time.perf_counter()
            results = await self._stages.wait("handle", self._entry, data, self.context)
            self._stages.run("encode", self._send, *self._made(batch, results, time.perf_counter() - start))
        except Exception as error:
            self._fail(batch.number, error, batch_answer(error), batch.ids)


def _lose(ended: asyncio.Future[None], error: Exception) -> None:
    if not ended.done():
        ended.set_exception(error)
