"""One worker as the engine talks to it: frames out, frames in, and a deadline for each batch."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from time import monotonic
from typing import cast

import msgspec

from tsnb import protocol
from tsnb.engine.arena import Arena
from tsnb.engine.job import Job
from tsnb.errors import HandlerFailed
from tsnb.messages import Failure, MetricSample
from tsnb.speedups import frame, given, mark, tell


class LoadFailed(Exception):
    """The worker could not load its model; ``failed`` says why, or is None if it died or was too slow."""

    def __init__(self, failed: protocol.Failed | None, message: str) -> None:
        super().__init__(message)
        self.failed = failed


class Flight:
    """A batch that a worker holds."""

    __slots__ = ("jobs", "number", "placed", "started", "timings")

    def __init__(self, number: int, jobs: Sequence[Job], started: float) -> None:
        self.number = number
        self.jobs = jobs
        self.started = started
        #: Which of its bodies lie in shared memory, and where.
        self.placed: tuple[tuple[int, int], ...] = ()
        #: Seconds that its worker spent, by stage, once it has ended.
        self.timings: dict[str, float] = {}

    @property
    def worked(self) -> float:
        """Seconds that its worker spent on it."""
        spent = self.timings.get
        return spent("decode", 0.0) + spent("handle", 0.0) + spent("encode", 0.0)


class WorkerHandle(asyncio.Protocol):
    """The connection to one worker. It works on one batch; another may wait there already.

    ``on_done(flight, seconds)`` is called when a batch has ended, well or
    badly; ``on_unstarted(jobs)`` with those that a dead worker never began;
    ``on_metrics`` with what the handler measured; ``on_overdue`` when no
    answer came within ``response_timeout`` seconds. ``closed`` is resolved
    when the worker's end of the socket is gone.
    """

    def __init__(
        self,
        *,
        on_done: Callable[[Flight, float], None],
        on_unstarted: Callable[[Sequence[Job]], None],
        on_metrics: Callable[[Sequence[MetricSample]], None],
        on_overdue: Callable[[], None],
        response_timeout: float,
        max_response_size: int,
        arena: Arena | None = None,
    ) -> None:
        self._on_done = on_done
        self._on_unstarted = on_unstarted
        self._on_metrics = on_metrics
        self._on_overdue = on_overdue
        self._response_timeout = response_timeout
        self._reader = protocol.Reader(max_response_size)
        self._arena = arena
        self._sees_arena = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._loading: asyncio.Future[protocol.Ready] | None = None
        self._number = 0
        self._deadline = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self.flight: Flight | None = None
        self._ahead: Flight | None = None
        #: Whether we hung up over what the worker sent.
        self.refused = False
        self.closed: asyncio.Future[str] = self._loop.create_future()

    @property
    def running(self) -> Sequence[Job]:
        """The jobs that the worker works on."""
        return self.flight.jobs if self.flight is not None else ()

    @property
    def held(self) -> Sequence[Job]:
        """The jobs that were sent to the worker."""
        return self.running if self._ahead is None else [*self.running, *self._ahead.jobs]

    @property
    def free(self) -> bool:
        """Whether the worker can take more now."""
        return self.flight is None

    @property
    def takes_ahead(self) -> bool:
        """Whether a batch may be sent to wait behind the one that the worker works on."""
        return self.flight is not None and self._ahead is None and not self.closed.done()

    async def connect(self, sock: socket.socket) -> None:
        """Take over the server's end of the socket pair."""
        await self._loop.create_unix_connection(lambda: self, sock=sock)

    async def load(self, order: protocol.Load, timeout: float) -> protocol.Ready:
        """Let the worker load its model. Raises LoadFailed."""
        self._loading = self._loop.create_future()
        if self._arena is not None:
            order = msgspec.structs.replace(order, arena=self._arena.path)
        try:
            self._send(order)
        except (ValueError, OverflowError, TypeError, RecursionError) as error:
            raise LoadFailed(
                None, f"Its MANIFEST.json or model-config.yaml holds a value that no worker can be sent: {error}."
            ) from error
        try:
            return await asyncio.wait_for(self._loading, timeout)
        except TimeoutError:
            raise LoadFailed(None, f"The model was not loaded within {timeout:g} s (startup_timeout).") from None

    def run(self, jobs: Sequence[Job]) -> None:
        """Hand a batch to the worker, to begin with now or after the one that it works on."""
        self._number += 1
        flight = Flight(self._number, jobs, monotonic())
        if self.flight is None:
            self._begin(flight)
        else:
            self._ahead = flight
        compiled = frame(flight.number, jobs)
        if compiled is not None:
            cast("asyncio.Transport", self._transport).write(compiled)
            return
        place = self._arena.place if self._arena is not None and self._sees_arena else None
        message, bodies = protocol.batch(flight.number, [job.request for job in jobs], place)
        flight.placed = message.placed
        self._send(message, bodies)

    def _begin(self, flight: Flight) -> None:
        self.flight = flight
        self._deadline = flight.started + self._response_timeout
        if self._alarm is None:
            self._alarm = self._loop.call_at(self._deadline, self._check_deadline)

    def stop(self) -> None:
        """Let the worker finish what it holds and exit."""
        if not self.closed.done():
            self._send(protocol.Stop())

    def close(self) -> None:
        """Hang up; the worker exits on end-of-file."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._transport is not None:
            self._transport.abort()

    def _send(self, message: protocol.Message, bodies: Sequence[protocol.Buffer] = ()) -> None:
        assert self._transport is not None  # noqa: S101
        self._transport.writelines(protocol.encode(message, bodies))

    def _check_deadline(self) -> None:
        """One timer for all batches: it is moved on only when it fires."""
        self._alarm = None
        if self.flight is None:
            return
        if monotonic() >= self._deadline:
            self._on_overdue()
        else:
            self._alarm = self._loop.call_at(self._deadline, self._check_deadline)

    # --- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the worker: zero or more whole frames."""
        try:
            single = self._reader.single(data)
            if single is not None:
                self._receive(*single)
                return
            for message, bodies in self._reader.feed(data):
                self._receive(message, bodies)
        except protocol.ProtocolError as error:
            self.refused = True
            self._lose(f"The answer cannot be used: {error}")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The worker is gone, or we hung up."""
        self._lose("The connection to the worker was lost." if exc is None else repr(exc))

    def _lose(self, reason: str) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)
        if self._loading is not None and not self._loading.done():
            self._loading.set_exception(LoadFailed(None, "The worker ended while it loaded the model."))

    def _receive(self, message: protocol.Message, bodies: protocol.Buffer) -> None:
        match message:
            case protocol.Result():
                self._on_result(message, bodies)
            case protocol.Failed(number=None):
                if self._loading is not None and not self._loading.done():
                    self._loading.set_exception(LoadFailed(message, message.message))
            case protocol.Failed():
                self._on_failed(message)
            case protocol.Ready():
                self._sees_arena = message.sees_arena
                if self._loading is not None and not self._loading.done():
                    self._loading.set_result(message)
                self._on_metrics(message.metrics)
            case _:
                raise protocol.ProtocolError(f"a worker may not send {type(message).__name__}")

    def _on_result(self, message: protocol.Result, bodies: protocol.Buffer) -> None:
        flight = self.flight
        if flight is None or flight.number != message.number:
            raise protocol.ProtocolError(f"an answer to batch {message.number}, which the worker does not hold")
        flight.timings = message.timings
        if message.metrics:
            self._on_metrics(message.metrics)
        if not message.more and protocol.bare(message) and given(flight.jobs, message.sizes, bodies, message.timings):
            self._complete(flight)
            return
        pairs = zip(flight.jobs, protocol.replies(message, bodies), strict=True)
        if message.more:
            for job, reply in pairs:
                job.answer(reply)
            self._deadline = monotonic() + self._response_timeout
            self._hold_back(flight)
            return
        for job, reply in pairs:
            if job.settled:
                job.answer(reply)  # the end of a stream
            else:
                job.reply = reply
        self._complete(flight)

    def _complete(self, flight: Flight) -> None:
        """The worker gets its next batch before the clients get their answers, which takes longer."""
        try:
            self._finish(flight)
        finally:
            tell(flight.jobs)

    def _hold_back(self, flight: Flight) -> None:
        """Stop reading from the worker while a client reads its stream more slowly than it is written."""
        behind = [job for job in flight.jobs if job.behind]
        if not behind or self._transport is None:
            return
        self._transport.pause_reading()
        for job in behind:
            if job.parts is not None:
                job.parts.on_room = self._read_on

    def _read_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._deadline = monotonic() + self._response_timeout
            self._transport.resume_reading()

    def _on_failed(self, message: protocol.Failed) -> None:
        flight = self.flight
        if flight is None or flight.number != message.number:
            raise protocol.ProtocolError(f"a failure of batch {message.number}, which the worker does not hold")
        self._on_metrics(message.metrics)
        self._fail(flight, lambda: HandlerFailed(message.message, status=message.status, failure=message.failure))

    def fail(self, error: Callable[[], Exception]) -> None:
        """The worker is gone: every job that it worked on gets an error of its own, the others are given back."""
        ahead, self._ahead = self._ahead, None
        if self.flight is not None:
            self._fail(self.flight, error)
        if ahead is not None:
            self._release(ahead)
            self._on_unstarted(ahead.jobs)

    def _fail(self, flight: Flight, error: Callable[[], Exception]) -> None:
        for job in flight.jobs:
            job.fail(error())
        self._finish(flight)

    def _release(self, flight: Flight) -> None:
        """The bodies of a batch are not needed any more."""
        for _, offset in flight.placed:
            cast("Arena", self._arena).release(offset)
        flight.placed = ()

    def _finish(self, flight: Flight) -> None:
        now = monotonic()
        if flight.placed:
            self._release(flight)
        following, self.flight, self._ahead = self._ahead, None, None
        if following is not None:
            following.started = now
            mark(following.jobs, now, now)
            self._begin(following)
        self._on_done(flight, now - flight.started)


def named(failure: Failure, *, model: str, version: str, worker: str, request_ids: tuple[str, ...] = ()) -> Failure:
    """A failure with the names that only the server knows filled in."""
    return msgspec.structs.replace(
        failure, model=model, version=version, worker=worker, request_ids=failure.request_ids or request_ids
    )
