"""The models that are not served the plain way: sequences, steps, several batches at once, job tickets.

Each kind is what it does differently; :func:`served` puts together the kinds
that a model's spec asks for. A model that asks for none is a
:class:`~tsnb.engine.model.ServedModel` and pays for none.
"""

from __future__ import annotations

import math
import uuid
from functools import lru_cache
from time import monotonic
from typing import Any, cast

import msgspec

from tsnb.config import Config
from tsnb.engine.concurrency import ConcurrentHandle
from tsnb.engine.job import Job
from tsnb.engine.lifecycle import is_spread
from tsnb.engine.model import NO_WORKER, ServedModel
from tsnb.engine.ranks import grouped
from tsnb.engine.recorder import Recorder
from tsnb.engine.sequences import SequenceQueue
from tsnb.engine.stats import Stats
from tsnb.engine.stepping import SteppingHandle
from tsnb.engine.supervisor import Slot
from tsnb.engine.worker_handle import Flight, WorkerHandle
from tsnb.errors import ServiceUnavailable
from tsnb.messages import ModelSpec, Reply, Request


class Spread(ServedModel):
    """Each worker is several processes, one for each device that the model is spread over (spec 7.3)."""

    def __init__(self, spec: ModelSpec, config: Config, stats: Stats, recorder: Recorder) -> None:
        super().__init__(spec, config, stats, recorder)
        assert spec.parallelism is not None  # noqa: S101
        self.handle_class = grouped(self.handle_class, batches_for_all=spec.parallelism.kind != "pp")


class Ticketed(ServedModel):
    """A request is taken only if a worker is idle for it; nobody waits (spec 7.7)."""

    def submit(self, job: Job) -> None:
        """Queue a job that a worker can take now."""
        if len(self._idle) <= len(self.queue):
            raise ServiceUnavailable(NO_WORKER.format(name=self.spec.name))
        super().submit(job)


class Roomy(ServedModel):
    """Its workers take more while they hold some: one with room is as good as idle."""

    def _give(self, slot: Slot, jobs: list[Job], now: float) -> None:
        super()._give(slot, jobs, now)
        if slot.idle:
            self._put_idle(slot)

    def _put_idle(self, slot: Slot) -> None:
        if slot not in self._idle:
            super()._put_idle(slot)


class Continuous(Roomy):
    """The handler is called again and again with the requests that are not finished (spec 7.8)."""

    handle_class: type[WorkerHandle] = SteppingHandle

    def make_handle(self, **settings: Any) -> WorkerHandle:
        """A connection that works in steps."""
        twice = 2 if self.spec.sequencing is not None else 1
        return super().make_handle(room=twice * self.spec.batch_size, on_reply=self._on_reply, **settings)

    def _on_reply(self, job: Job, reply: Reply) -> None:
        """A part of an answer came."""

    def _room(self, slot: Slot) -> int:
        return cast("SteppingHandle", slot.handle).room

    def _dispatch(self) -> None:
        """Waiting jobs join the workers that have room, evenly."""
        while self._idle and len(self.queue):
            slot = max(self._idle, key=self._room)
            share = math.ceil(len(self.queue) / len(self._idle))
            self._idle.remove(slot)
            self._give(slot, self.queue.take(min(share, self._room(slot))), monotonic())


class Concurrent(Roomy):
    """The handler is asynchronous and works on several batches (spec 6.1)."""

    handle_class: type[WorkerHandle] = ConcurrentHandle

    def cancel(self, job: Job) -> None:
        """The client is gone: its job is forgotten, or cancelled where it runs."""
        super().cancel(job)
        for slot in (*self.slots, *self._leaving):
            if isinstance(slot.handle, ConcurrentHandle):
                slot.handle.abandoned(job)


class Sequenced(ServedModel):
    """The requests of a sequence stay together, on one worker and in order (spec 7.9)."""

    queue: SequenceQueue

    def __init__(self, spec: ModelSpec, config: Config, stats: Stats, recorder: Recorder) -> None:
        super().__init__(spec, config, stats, recorder)
        assert spec.sequencing is not None  # noqa: S101
        self._id_header = config.ts_header_key_sequence_id
        self._start_header = config.ts_header_key_sequence_start
        self._end_header = config.ts_header_key_sequence_end
        self.queue = SequenceQueue(spec.sequencing, self._name_of, overlap=spec.continuous)

    def _name_of(self, job: Job) -> str:
        return job.request.headers.get(self._id_header, "")

    def submit(self, job: Job) -> None:
        """Queue a job in its sequence, a new one if it names none."""
        if job.request.headers.get("describe") != "True":
            job.request = self._named(job.request)
        super().submit(job)

    def _named(self, request: Request) -> Request:
        """The request with its sequence's id under the name that handlers look for."""
        headers = request.headers
        if headers.get(self._id_header):
            return request
        wanted = self._id_header.lower()
        name = next((value for key, value in headers.items() if key.lower() == wanted and value), "")
        if name:
            return msgspec.structs.replace(request, headers={**headers, self._id_header: name})
        new = {self._id_header: f"ts-seq-{uuid.uuid4()}", self._start_header: "true"}
        return msgspec.structs.replace(request, headers={**headers, **new})

    def _room_of(self, slot: Slot) -> int:
        return slot.handle.room if isinstance(slot.handle, SteppingHandle) else self.spec.batch_size

    def _dispatch(self) -> None:
        """Each idle worker gets the next jobs of its own sequences, and its share of the new ones."""
        idle = sorted(self._idle, key=self.queue.bound)
        for position, slot in enumerate(idle):
            jobs = self.queue.take_for(slot, self._room_of(slot), len(idle) - position)
            if jobs:
                self._idle.remove(slot)
                self._give(slot, jobs, monotonic())

    def _give(self, slot: Slot, jobs: list[Job], now: float) -> None:
        for job in jobs:
            if job.gone:
                self.queue.finished(job, now)
        super()._give(slot, jobs, now)

    def on_batch_done(self, slot: Slot, flight: Flight, seconds: float) -> None:
        """A batch has ended; so may sequences, whose handlers say so in a header."""
        now = monotonic()
        for job in flight.jobs:
            if job.reply is not None:
                self._on_reply(job, job.reply)
            self.queue.finished(job, now)
        super().on_batch_done(slot, flight, seconds)

    def _on_reply(self, job: Job, reply: Reply) -> None:
        for name in reply.headers.get(self._end_header, "").split(";"):
            if name:
                self.queue.end(name, monotonic())

    def remove_last(self) -> Slot:
        """A worker leaves for good: others take over its sequences."""
        slot = super().remove_last()
        self.queue.release(slot)
        self._dispatch()
        return slot

    def refuse_if_hopeless(self) -> None:
        """A worker was given up: others take over its sequences, if there are any."""
        for slot in self.slots:
            if slot.state == "failed":
                self.queue.release(slot)
        super().refuse_if_hopeless()
        self._dispatch()

    def take_over(self, slots: list[Slot], spec: ModelSpec) -> list[Slot]:
        """New workers serve new code: every sequence is theirs."""
        self.queue.release()
        return super().take_over(slots, spec)


def served(spec: ModelSpec, config: Config, stats: Stats, recorder: Recorder) -> ServedModel:
    """A model, served as its spec says."""
    asked = (
        (spec.job_tickets, Ticketed),
        (spec.sequencing is not None, Sequenced),
        (spec.continuous, Continuous),
        (spec.concurrent, Concurrent),
        (is_spread(spec), Spread),
    )
    return _combined(*(kind for wanted, kind in asked if wanted))(spec, config, stats, recorder)


@lru_cache
def _combined(*kinds: type[ServedModel]) -> type[ServedModel]:
    return type("".join(kind.__name__ for kind in kinds), (*kinds, ServedModel), {}) if kinds else ServedModel
