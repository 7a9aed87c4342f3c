"""Notices what happens to models and says so as events of the notebook server, so that no page needs to poll.

:func:`changes` compares two moments and is pure; :class:`Watch` looks again and again while there is an engine, and
takes at most a twentieth of the loop's time for it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tsnb.engine.api import Engine
from tsnb.jupyter.overview import Change, Crash, statuses, totals
from tsnb.messages import Failure, ModelStatus, WorkerStatus

SCHEMA = Path(__file__).parent / "events.yaml"
SCHEMA_ID = "urn:tsnb:models"

PACE = 0.5
"""Seconds between two looks."""

CALM = 2.0
"""Seconds between two events that report numbers only."""

SHARE = 20
"""A look that takes long is followed by a pause of so many times its length."""

KEPT = 20
"""Crashes that are remembered."""

log = logging.getLogger(__name__)
Emit = Callable[[dict[str, Any]], None]


class Watch:
    """Looks at an engine and emits what changed; ``crashes`` are the latest, oldest first."""

    def __init__(self, emit: Emit) -> None:
        self.crashes: deque[Crash] = deque(maxlen=KEPT)
        self._emit = emit
        self._numbers = itertools.count(1)
        self._task: asyncio.Task[None] | None = None

    def start(self, engine: Engine) -> None:
        """Begin. Called on the event loop, once the engine is there."""
        self._task = asyncio.create_task(self._run(engine), name="tsnb events")

    async def stop(self) -> None:
        """Look no more. May be called twice, and without a start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self, engine: Engine) -> None:
        before: list[ModelStatus] = []
        told = 0.0
        while True:
            begun = time.monotonic()
            try:
                now = statuses(engine)
                calm = begun - told < CALM
                for change in self._changes(before, now, calm=calm):
                    told = begun
                    self._emit(msgspec.to_builtins(change))
                before = before if calm and shape(before) == shape(now) else now
            except Exception:
                log.exception("a look at the models failed; the panel in JupyterLab may be late")
            await asyncio.sleep(max(PACE, SHARE * (time.monotonic() - begun)))

    def _changes(self, before: list[ModelStatus], now: list[ModelStatus], *, calm: bool) -> Iterator[Change]:
        sums = totals(now)
        for status, worker in crashed(before, now):
            crash = self._crash(status, worker)
            self.crashes.append(crash)
            yield Change("crash", sums, crash)
        if shape(before) != shape(now):
            yield Change("models", sums)
        elif not calm and figures(before) != figures(now):
            yield Change("figures", sums)

    def _crash(self, status: ModelStatus, worker: WorkerStatus) -> Crash:
        failure = worker.failure or Failure("WorkerDied", "The worker ended and was started again.", stage="exit")
        name, version = status.spec.name, status.spec.version
        return Crash(next(self._numbers), time.time(), name, version, worker.id, worker.state == "failed", failure)


def shape(models: list[ModelStatus]) -> list[Any]:
    """What changes when a model or a worker comes, goes, or changes its state."""
    return [
        (
            status.spec.name,
            status.spec.version,
            status.default,
            status.spec.build,
            status.spec.min_workers,
            status.spec.max_workers,
            [(worker.id, worker.state, worker.pid, worker.restarts) for worker in status.workers],
        )
        for status in models
    ]


def figures(models: list[ModelStatus]) -> list[Any]:
    """What changes with every request."""
    return [(status.requests, status.errors, status.queued) for status in models]


def crashed(before: list[ModelStatus], now: list[ModelStatus]) -> Iterator[tuple[ModelStatus, WorkerStatus]]:
    """The workers that ended, or failed to start, between two moments."""
    known = {worker.id: worker for status in before for worker in status.workers}
    for status in now:
        for worker in status.workers:
            old = known.get(worker.id)
            restarts = old.restarts if old is not None else 0
            gave_up = worker.state == "failed" and (old is None or old.state != "failed")
            if worker.restarts > restarts or gave_up:
                yield status, worker
