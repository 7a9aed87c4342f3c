"""What is remembered of one request: put together when its batch has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from tsnb.engine.job import Job
from tsnb.engine.worker_handle import Flight, named
from tsnb.errors import TsnbError
from tsnb.messages import Failure, Recorded, Reply

if TYPE_CHECKING:
    from tsnb.engine.supervisor import Slot

Answered = TypeVar("Answered")

NOTICEABLE = 1e-4
"""Seconds of waiting for a batch below which nobody waited: that is the time it takes to hand it over."""


def recorded(job: Job, slot: Slot, flight: Flight, now: float, wall: float) -> Recorded:
    """The record of an answered job. ``now`` is the loop's time, ``wall`` the Unix time of its end."""
    spec, reply = slot.spec, job.reply
    status = reply.status if reply is not None else getattr(job.error, "status", 200)
    timings = {**_waits(job), "worker": now - job.taken, **(reply.timings if reply else {})}
    mates = tuple(other.request.id for other in flight.jobs if other is not job)
    return Recorded(
        request=job.request,
        model=spec.name,
        version=spec.version,
        build=spec.build,
        time=wall,
        seconds=now - job.created,
        status=status,
        size=sum(len(parameter.value) for parameter in job.request.parameters),
        worker=slot.id,
        timings=timings,
        mates=mates,
        reply=reply,
        failure=_failure(job, slot),
    )


def with_timings(outcome: Answered, job: Job, now: float) -> Answered:
    """A reply with the time it waited, the time it took and the size of its batch; anything else as it is."""
    if not isinstance(outcome, Reply):
        return outcome
    timings = {**_waits(job), **outcome.timings, "total": now - job.created}
    return cast("Answered", msgspec.structs.replace(outcome, timings=timings, batch=job.batch))


def _waits(job: Job) -> dict[str, float]:
    """Seconds until a worker was idle (``queue``) and, if that took time too, until its batch was full (``batch``)."""
    waits = {"queue": job.met - job.created}
    if job.taken - job.met > NOTICEABLE:
        waits["batch"] = job.taken - job.met
    return waits


def _failure(job: Job, slot: Slot) -> Failure | None:
    error = job.error
    if error is None:
        return None
    told = error.failure if isinstance(error, TsnbError) else None
    failure = told or Failure(type(error).__name__, str(error))
    spec = slot.spec
    mine = named(failure, model=spec.name, version=spec.version, worker=slot.id, request_ids=(job.request.id,))
    mine = msgspec.structs.replace(mine, request_ids=(job.request.id,))
    if isinstance(error, TsnbError):
        error.failure, error.request_id = mine, job.request.id
    return mine
