"""Continuous batching: a worker is called again and again with the requests that are not finished (spec 7.8).

Requests join and leave between two steps. From its second step on a request
travels without its contents, which the handler has kept under its id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import msgspec

from tsnb import protocol
from tsnb.engine.job import MAX_WAITING_PARTS, Job
from tsnb.engine.worker_handle import Flight, WorkerHandle
from tsnb.errors import HandlerFailed, ServiceUnavailable
from tsnb.messages import Reply

STREAM_NEXT = "ts_stream_next"
"""The header by which a handler's answer says ``true``: another will follow, or ``false``: it was the last."""

MAX_BEHIND = 16 * MAX_WAITING_PARTS
"""Parts that may wait for one slow client; the others of its batch must not wait for it."""


class SteppingHandle(WorkerHandle):
    """The connection to a worker that holds up to ``room`` requests and works on all of them, step by step.

    ``on_reply(job, reply)`` is told each part of each answer.
    """

    def __init__(self, *, room: int, on_reply: Callable[[Job, Reply], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._size = room
        self._on_reply = on_reply
        self._active: list[Job] = []
        self._joining: list[Job] = []
        self._stopping = False

    @property
    def running(self) -> Sequence[Job]:
        """The jobs that are not finished."""
        return self._active + self._joining

    @property
    def takes_ahead(self) -> bool:
        """Never: the requests of a batch join the next step."""
        return False

    @property
    def free(self) -> bool:
        """Whether another request may join."""
        return self.room > 0

    @property
    def room(self) -> int:
        """How many requests may join."""
        return self._size - len(self._active) - len(self._joining)

    def run(self, jobs: Sequence[Job]) -> None:
        """These requests join at the next step, which is now if none is under way."""
        self._joining += jobs
        if self.flight is None:
            self._step()

    def stop(self) -> None:
        """Let the worker finish what it holds and exit."""
        self._stopping = True
        if not self.held:
            super().stop()

    def _step(self) -> None:
        seen = len(self._active)
        self._active += self._joining
        self._joining = []
        if self._active:
            self._send_step(self._active, seen)
        elif self._stopping:
            super().stop()

    def _send_step(self, jobs: list[Job], seen: int) -> None:
        self._number += 1
        now = monotonic()
        self.flight = Flight(self._number, list(jobs), now)
        self._deadline = now + self._response_timeout
        if self._alarm is None:
            self._alarm = self._loop.call_at(self._deadline, self._check_deadline)
        requests = [msgspec.structs.replace(job.request, parameters=()) for job in jobs[:seen]]
        self._send(*protocol.batch(self._number, requests + [job.request for job in jobs[seen:]]))

    def _on_result(self, message: protocol.Result, bodies: protocol.Buffer) -> None:
        flight = self._held_flight(message.number)
        for job, reply in zip(flight.jobs, protocol.replies(message, bodies), strict=True):
            more = message.more or reply.headers.get(STREAM_NEXT) == "true"
            self._answer(job, msgspec.structs.replace(reply, more=more))
            if not more:
                self._active.remove(job)
        if message.metrics:
            self._on_metrics(message.metrics)
        if message.more:
            self._deadline = monotonic() + self._response_timeout
        else:
            self._end_step(flight)

    def _answer(self, job: Job, reply: Reply) -> None:
        self._on_reply(job, reply)
        job.answer(reply)
        if job.parts is not None and job.parts.waiting > MAX_BEHIND:
            job.fail(ServiceUnavailable(f"The client reads its answer too slowly: {MAX_BEHIND} parts wait for it."))

    def _end_step(self, flight: Flight) -> None:
        """Who is finished leaves, and who has no client any more; then comes the next step."""
        self._active = [job for job in self._active if not job.gone and job.error is None]
        left = [job for job in flight.jobs if job not in self._active]
        if left:
            self._on_done(Flight(flight.number, left, flight.started), monotonic() - flight.started)
        self.flight = None
        self._step()

    def _on_failed(self, message: protocol.Failed) -> None:
        flight = self._held_flight(message.number)
        self._on_metrics(message.metrics)
        for job in flight.jobs:
            job.fail(HandlerFailed(message.message, status=message.status, failure=message.failure))
        self._active = []
        self._end_step(flight)

    def _held_flight(self, number: int | None) -> Flight:
        if self.flight is None or self.flight.number != number:
            raise protocol.ProtocolError(f"an answer to step {number}, which is not under way")
        return self.flight

    def fail(self, error: Callable[[], Exception]) -> None:
        """The worker is gone: who was in a step gets an error of its own, who was to join is given back."""
        jobs, joining = self._active, self._joining
        self._active, self._joining, self.flight = [], [], None
        for job in jobs:
            job.fail(error())
        if jobs:
            self._on_done(Flight(self._number, jobs, jobs[0].taken), monotonic() - jobs[0].taken)
        if joining:
            self._on_unstarted(joining)
