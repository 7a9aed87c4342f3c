"""A worker whose handler is asynchronous: it is given batches while it works on others (spec 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any

from tsnb import protocol
from tsnb.engine.job import MAX_WAITING_PARTS, Job
from tsnb.engine.worker_handle import Flight, WorkerHandle
from tsnb.errors import HandlerFailed, ServiceUnavailable

MAX_FLIGHTS = 1024
"""Batches that one worker holds at most; what comes then waits in the queue."""

MAX_BEHIND = 16 * MAX_WAITING_PARTS
"""Parts that may wait for one slow client; the other batches of its worker must not wait for it."""


class ConcurrentHandle(WorkerHandle):
    """The connection to a worker that holds several batches. Each has a deadline of its own."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._flights: dict[int, Flight] = {}
        self._deadlines: dict[int, float] = {}
        self._cancelled: set[int] = set()

    @property
    def running(self) -> Sequence[Job]:
        """The jobs of all batches."""
        return [job for flight in self._flights.values() for job in flight.jobs]

    @property
    def takes_ahead(self) -> bool:
        """Never: it begins with every batch at once."""
        return False

    @property
    def free(self) -> bool:
        """Whether the worker can take another batch."""
        return len(self._flights) < MAX_FLIGHTS

    def run(self, jobs: Sequence[Job]) -> None:
        """Hand another batch to the worker."""
        self._number += 1
        now = monotonic()
        self._flights[self._number] = Flight(self._number, jobs, now)
        self._renew(self._number)
        self._send(*protocol.batch(self._number, [job.request for job in jobs]))

    def _renew(self, number: int) -> None:
        self._deadlines[number] = monotonic() + self._response_timeout
        if self._alarm is None:
            self._alarm = self._loop.call_at(self._deadlines[number], self._check_deadline)

    def _check_deadline(self) -> None:
        self._alarm = None
        if not self._deadlines:
            return
        first = min(self._deadlines.values())
        if monotonic() >= first:
            self._on_overdue()
        else:
            self._alarm = self._loop.call_at(first, self._check_deadline)

    def abandoned(self, job: Job) -> None:
        """The client of a job is gone: a batch for which nobody waits any more is cancelled."""
        for number, flight in self._flights.items():
            if job in flight.jobs:
                self._cancel_if_forsaken(number)
                return

    def _cancel_if_forsaken(self, number: int) -> None:
        flight = self._flights.get(number)
        if flight is None or number in self._cancelled or not all(map(_is_forsaken, flight.jobs)):
            return
        self._cancelled.add(number)
        if not self.closed.done():
            self._send(protocol.Cancel(number))

    def _on_result(self, message: protocol.Result, bodies: protocol.Buffer) -> None:
        flight = self._held_flight(message.number)
        for job, reply in zip(flight.jobs, protocol.replies(message, bodies), strict=True):
            if job.error is None:
                job.answer(reply)
            self._watch(job, flight.number)
        if message.metrics:
            self._on_metrics(message.metrics)
        if message.more:
            self._renew(flight.number)
        else:
            self._end(flight)

    def _watch(self, job: Job, number: int) -> None:
        """Notice that the reader of a stream has left, or is too slow."""
        if job.parts is None or job.error is not None:
            return
        job.parts.on_room = partial(self._cancel_if_forsaken, number)
        if job.parts.waiting > MAX_BEHIND:
            job.fail(ServiceUnavailable(f"The client reads its answer too slowly: {MAX_BEHIND} parts wait for it."))
            self._cancel_if_forsaken(number)

    def _on_failed(self, message: protocol.Failed) -> None:
        flight = self._held_flight(message.number)
        self._on_metrics(message.metrics)
        for job in flight.jobs:
            if flight.number not in self._cancelled:
                job.fail(HandlerFailed(message.message, status=message.status, failure=message.failure))
        self._end(flight)

    def _held_flight(self, number: int | None) -> Flight:
        flight = self._flights.get(number or 0)
        if flight is None:
            raise protocol.ProtocolError(f"an answer to batch {number}, which the worker does not hold")
        return flight

    def _end(self, flight: Flight) -> None:
        del self._flights[flight.number]
        del self._deadlines[flight.number]
        self._cancelled.discard(flight.number)
        self._on_done(flight, monotonic() - flight.started)

    def fail(self, error: Callable[[], Exception]) -> None:
        """Answer everything that the worker holds with an error of its own."""
        for flight in list(self._flights.values()):
            for job in flight.jobs:
                job.fail(error())
            self._end(flight)


def _is_forsaken(job: Job) -> bool:
    return job.gone or job.error is not None
