"""New code for a version that is being served, without dropping a request.

New workers load the new code and answer the checks while the old ones serve
on. Then the queue is theirs from one moment to the next: a request is answered
by the old code or by the new, never by half of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tsnb.engine.api import Stream
from tsnb.engine.job import asked
from tsnb.engine.model import ServedModel
from tsnb.engine.supervisor import Slot
from tsnb.errors import HandlerFailed, TsnbError
from tsnb.messages import ModelSpec, Request, Swapped

MAX_CHECKS = 3
"""Recorded requests that new code must answer when the caller names none."""


async def swap(
    model: ServedModel, spec: ModelSpec, checks: Sequence[Request], new_slots: Callable[[int], list[Slot]]
) -> tuple[Swapped, list[Slot]]:
    """Bring ``spec`` live on as many workers as the model has now; the outcome, and the old workers, which are leaving.

    Raises WorkersFailed or HandlerFailed, and then nothing has changed.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    candidates = new_slots(len(model.slots))
    for slot in candidates:
        slot.candidate = True
    model.candidates = candidates
    try:
        await _ready(candidates)
        if candidates:
            await _check(candidates[0], checks)
        model.check_served()
    except BaseException:
        for slot in candidates:
            slot.retire()
        await asyncio.shield(model.gone(candidates, spec.response_timeout))
        raise
    finally:
        model.candidates = []
    held = sum(len(slot.handle.held) for slot in model.slots if slot.handle)
    old = model.take_over(candidates, spec)
    seconds = loop.time() - begun
    checked = len(checks) if candidates else 0
    return Swapped(spec.name, spec.version, spec.build, seconds, len(candidates), checked, held), old


async def _ready(slots: Sequence[Slot]) -> None:
    for problem in await asyncio.gather(*(asyncio.shield(slot.settled) for slot in slots)):
        if problem is not None:
            raise problem


async def _check(slot: Slot, checks: Sequence[Request]) -> None:
    """Let a new worker answer these requests. Raises what the first failing one raises."""
    for request in checks:
        job, future = asked(request)
        assert slot.handle is not None  # noqa: S101
        slot.handle.run([job])
        try:
            outcome = await future
        except TsnbError as error:
            error.request_id = request.id
            raise
        if isinstance(outcome, Stream):
            outcome = [outcome.first, *[part async for part in outcome.parts]][-1]
        if outcome.status >= 400:
            raise HandlerFailed(f"The new code answered request {request.id} with status {outcome.status}.")
