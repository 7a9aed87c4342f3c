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


def recorded(job: Job, slot: Slot, flight: Flight, now: float, wall: float) -> Recorded:
    """The record of an answered job. ``now`` is the loop's time, ``wall`` the Unix time of its end."""
    spec, reply = slot.spec, job.reply
    status = reply.status if reply is not None else getattr(job.error, "status", 200)
    timings = {"queue": job.taken - job.created, "worker": now - job.taken, **(reply.timings if reply else {})}
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
    """A reply with the time it waited in the queue and the time it took altogether; anything else as it is."""
    if not isinstance(outcome, Reply):
        return outcome
    timings = {"queue": job.taken - job.created, **outcome.timings, "total": now - job.created}
    return cast("Answered", msgspec.structs.replace(outcome, timings=timings))


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
