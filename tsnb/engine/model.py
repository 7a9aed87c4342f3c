"""One served version of a model: its queue, its workers, and who gets which jobs."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any

import msgspec

from tsnb.config import Config
from tsnb.engine.arena import Arena
from tsnb.engine.batching import CostModel, ahead, decide, split
from tsnb.engine.job import Job
from tsnb.engine.logs import LogRing
from tsnb.engine.queue import JobQueue
from tsnb.engine.recorder import Recorder
from tsnb.engine.records import recorded
from tsnb.engine.stats import Stats
from tsnb.engine.supervisor import Slot
from tsnb.engine.tally import Tally
from tsnb.engine.wakeful import Wakeful
from tsnb.engine.worker_handle import Flight, WorkerHandle
from tsnb.errors import ModelNotFound, RequestTimeout, ServiceUnavailable, TsnbError
from tsnb.messages import MetricSample, ModelSpec, ModelStatus
from tsnb.speedups import mark, together

NO_WORKER = (
    'Model "{name}" has no worker to serve inference request. Please use scale workers API to add workers. '
    "If this is a sequence inference, please check if it is closed, or expired; or exceeds maxSequenceJobQueueSize"
)


def spec_folders(spec: ModelSpec) -> list[str]:
    """The folders that belong to one code of a model: its own, and that of the packages it brought."""
    return [spec.model_dir, *([spec.packages] if spec.packages else [])]


class ServedModel:
    """A model version with its workers. Everything happens on the event loop."""

    handle_class: type[WorkerHandle] = WorkerHandle

    def __init__(self, spec: ModelSpec, config: Config, stats: Stats, recorder: Recorder) -> None:
        self.spec = spec
        #: Name and version.
        self.key = spec.name, spec.version
        self.config = config
        self.queue = JobQueue(spec.job_queue_size)
        self.slots: list[Slot] = []
        self.ring = LogRing(config.log_lines)
        #: Whether it was unregistered: no new worker may start.
        self.closed = False
        #: Counts the workers that got GPUs of the model's own list.
        self.gpu_counter = itertools.count()
        #: Held by whoever changes workers or code.
        self.changing = asyncio.Lock()
        #: The code before the last swap.
        self.previous: ModelSpec | None = None
        self.candidates: list[Slot] = []
        #: Shared memory for large bodies, where there is any.
        self.arena: Arena | None = None
        self._builds = spec.build
        self._stats = stats
        self._recorder = recorder
        self._cost = CostModel()
        self._tally = Tally()
        self._idle: deque[Slot] = deque()
        self._leaving: set[Slot] = set()
        self._wake: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        #: How many requests the last batch has.
        self._size = 1
        #: Whether jobs are queued in the plain way.
        self._takes_all = type(self).submit is ServedModel.submit
        #: Whether the end of this turn of the loop is waited for.
        self._dispatching = False
        self._wakeful = Wakeful(self._loop, config.busy_wait)

    @property
    def model_dirs(self) -> list[str]:
        """The folders of the code that serves, and of the one before."""
        specs = [spec for spec in (self.spec, self.previous) if spec is not None]
        return [folder for spec in specs for folder in spec_folders(spec)]

    def next_build(self) -> int:
        """The number of the next code."""
        self._builds += 1
        return self._builds

    @property
    def _private(self) -> bool:
        return self.spec.model_config.get("private") is True

    @property
    def label(self) -> str:
        """Name and version, for logs."""
        return f"{self.spec.name} {self.spec.version}"

    # --- requests ---------------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Queue a job. Raises ServiceUnavailable when nobody will ever take it, or the queue is full."""
        if not self.slots:
            raise ServiceUnavailable(NO_WORKER.format(name=self.spec.name))
        if not self._idle and self._hopeless():
            raise ServiceUnavailable(
                f'Model "{self.spec.name}" has only workers that failed to start; see the log of the model, '
                "mend its handler and register it again."
            )
        if not self.queue.put(job):
            raise ServiceUnavailable(NO_WORKER.format(name=self.spec.name))
        job.withdraw = self.cancel
        if self.spec.client_timeout > 0:
            self._loop.call_later(self.spec.client_timeout / 1000, self._expire, job)
        if self._idle:
            self._dispatch_soon()
        elif len(self.queue) >= self._size:
            self._give_ahead()
        self._wakeful.stay(self._cost.seconds(self._size), len(self.slots))

    def submit_all(self, jobs: Sequence[Job]) -> None:
        """Queue the jobs that came in one turn of the loop; those that cannot be taken are told so."""
        served = self._idle or (self.slots and not self._hopeless())
        if not served or not self._takes_all or self.spec.client_timeout or not self.queue.put_all(jobs):
            self._submit_each(jobs)
            return
        if self._idle:
            self._dispatch()
        elif len(self.queue) >= self._size:
            self._give_ahead()
        self._wakeful.stay(self._cost.seconds(self._size), len(self.slots))

    def _submit_each(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            try:
                self.submit(job)
            except TsnbError as error:
                job.fail(error)

    @property
    def alone(self) -> bool:
        """Whether the next request is likely to come alone, as the last did."""
        return self._size == 1

    def _dispatch_soon(self) -> None:
        """Dispatch at the end of the loop's turn: what is read in this turn goes together.

        Where the last batch was of one request, nobody else is likely to come, and it goes at once.
        """
        if self._size == 1:
            self._dispatch()
        elif not self._dispatching:
            self._dispatching = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._dispatching = False
        self._dispatch()

    def _expire(self, job: Job) -> None:
        """The client has waited long enough for an answer, or for the first part of one."""
        if not job.settled:
            where = "No worker took the request" if job.taken == 0.0 else "The handler did not answer"
            job.fail(RequestTimeout(f"{where} within {self.spec.client_timeout} ms (clientTimeoutInMills)."))
            self.cancel(job)

    def cancel(self, job: Job) -> None:
        """The client is gone: a job that still waits is forgotten."""
        job.abandon()
        self.queue.remove(job)

    def _dispatch(self) -> None:
        """Give waiting jobs to idle workers, as the batch policy says."""
        spec, queue = self.spec, self.queue
        while self._idle and len(queue):
            now = monotonic()
            decision = decide(
                spec.batch_policy,
                now=now,
                waiting=len(queue),
                oldest=queue.oldest() or now,
                idle=len(self._idle),
                batch_size=spec.batch_size,
                max_delay=spec.max_batch_delay / 1000,
                cost=self._cost,
            )
            if decision.count == 0:
                self._look_again(decision.wake)
                return
            self._give(self._idle.popleft(), queue.take(decision.count), now)
        if len(queue):
            self._give_ahead()

    def _give(self, slot: Slot, jobs: list[Job], now: float) -> None:
        wanted = self._together(jobs)
        if not wanted or slot.handle is None:
            self._idle.appendleft(slot)
            return
        self._mark(wanted, slot.idle_since, now)
        slot.handle.run(wanted)

    def _mark(self, jobs: list[Job], idle_since: float, now: float) -> None:
        """Note that these jobs are taken together."""
        self._size = len(jobs)
        mark(jobs, idle_since, now)

    def _give_ahead(self) -> None:
        """Let full batches wait at workers that will be free in a moment: these then need not wait for us."""
        spec = self.spec
        for slot in self.slots:
            handle = slot.handle
            if handle is None or not handle.takes_ahead:
                continue
            sizes = len(self.queue), len(handle.running), len(self.slots), spec.batch_size
            count = ahead(spec.batch_policy, *sizes, self._cost)
            if not count:
                return
            jobs = self._together(self.queue.take(count))
            if jobs:
                now = monotonic()
                self._mark(jobs, now, now)
                handle.run(jobs)

    def _together(self, jobs: list[Job]) -> list[Job]:
        """Those of the jobs that somebody waits for and that can share a batch; what must come later goes back."""
        if together(jobs):
            return jobs
        wanted = [job for job in jobs if not (job.settled and job.gone)]
        if len(wanted) > 1 and (apart := split(wanted)):
            self.queue.put_back(apart)
            del wanted[-len(apart) :]
        return wanted

    def make_handle(self, **settings: Any) -> WorkerHandle:
        """The server's side of the connection to one of its workers."""
        plain = self.handle_class is WorkerHandle  # the others send bodies their own way
        return self.handle_class(arena=self.arena if plain else None, **settings)

    def _look_again(self, when: float | None) -> None:
        if when is not None and (self._wake is None or self._wake.cancelled() or self._wake.when() <= monotonic()):
            self._wake = self._loop.call_at(when, self._dispatch)

    # --- events from the workers ------------------------------------------------------------------

    def on_worker_ready(self, slot: Slot) -> None:
        """A worker has loaded the model and can take work."""
        if not slot.retiring and not slot.candidate:
            self._put_idle(slot)
            self._stats.worker_loaded(self.spec, slot.id, slot.status().load_time)
            self._dispatch()

    def on_worker_gone(self, slot: Slot) -> None:
        """A worker can take no more work."""
        self._stats.worker_gone(self.spec, slot.id)
        if slot in self._idle:
            self._idle.remove(slot)

    def on_batch_done(self, slot: Slot, flight: Flight, seconds: float) -> None:
        """A batch has ended; its worker is free unless it is leaving or dead."""
        if slot.candidate:
            return
        self._count(slot, flight, seconds)
        if slot.retiring:
            return
        if slot.idle:
            self._put_idle(slot)
        self._dispatch()
        self._wakeful.stay(seconds, len(self.slots))

    def on_unstarted(self, jobs: Sequence[Job]) -> None:
        """A worker is gone that had not begun with these: they are the next for the others."""
        if self.closed:
            for job in jobs:
                job.fail(self._stopped())
            return
        for job in jobs:
            job.taken = 0.0
        self.queue.put_back(jobs)
        self._dispatch()

    def _put_idle(self, slot: Slot) -> None:
        slot.idle_since = monotonic()
        self._idle.append(slot)

    @property
    def listed_metrics(self) -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
        """The metrics of handlers that the settings list (see :class:`tsnb.protocol.Load`)."""
        return self._stats.listed()

    def on_metrics(self, samples: Sequence[MetricSample]) -> None:
        """What a handler measured."""
        for sample in samples:
            self._stats.sample(sample, self.spec.name)

    def _count(self, slot: Slot, flight: Flight, seconds: float) -> None:
        now, wall, jobs = monotonic(), time.time(), flight.jobs
        self._cost.learn(len(jobs), seconds)
        total, longest, failed = self._stats.answered(jobs, now)
        self._tally.add(len(jobs), total, longest, failed, wall)
        self._stats.batch_done(seconds - flight.worked)
        if failed or self._recorder.wants(self.key, wall):
            self._record(slot, flight, now, wall)

    def _record(self, slot: Slot, flight: Flight, now: float, wall: float) -> None:
        """Keep the requests of a batch that failed, and of the others as many as are wanted."""
        for job in flight.jobs:
            if job.error is not None or self._recorder.wants(self.key, wall):
                self._recorder.keep(recorded(job, slot, flight, now, wall), private=self._private)

    def refuse_if_hopeless(self) -> None:
        """When the last worker was given up, nobody will answer what waits."""
        if self._hopeless():
            self._fail_waiting(ServiceUnavailable(f'Model "{self.spec.name}": every worker failed for too long.'))

    def _hopeless(self) -> bool:
        for slot in self.slots:
            if slot.state != "failed":
                return False
        return bool(self.slots)

    def _fail_waiting(self, error: TsnbError) -> None:
        for job in self.queue.drain():
            job.fail(type(error)(error.message))

    # --- workers ----------------------------------------------------------------------------------

    def add(self, slot: Slot) -> None:
        """One more worker is starting."""
        self.slots.append(slot)

    def remove_last(self) -> Slot:
        """The worker added last takes no more work and leaves when it has finished."""
        slot = self.slots.pop()
        self.on_worker_gone(slot)
        self._leaving.add(slot)
        slot.retire()
        return slot

    async def gone(self, slots: Sequence[Slot], timeout: float) -> None:
        """Wait until these workers have left, by force after ``timeout`` seconds."""
        await asyncio.gather(*(slot.gone(timeout) for slot in slots))
        self._leaving.difference_update(slots)

    def take_over(self, slots: list[Slot], spec: ModelSpec) -> list[Slot]:
        """From now on these workers, which are ready, serve this code. The old ones, which are leaving, come back."""
        old, self.slots, self.spec = self.slots, slots, spec
        self._idle.clear()
        self._cost = CostModel()
        for slot in slots:
            slot.candidate = False
            self._stats.worker_loaded(spec, slot.id, slot.status().load_time)
            if slot.idle:
                self._put_idle(slot)
        for slot in old:
            self._leaving.add(slot)
            slot.retire()
        self._dispatch()
        return old

    def check_served(self) -> None:
        """Raise ModelNotFound if it was unregistered while somebody waited to change it."""
        if self.closed:
            raise ModelNotFound(f"Model not found: {self.spec.name}")

    async def close(self, timeout: float) -> None:
        """Answer what waits with an error, and stop every worker within about ``timeout`` seconds."""
        self.closed = True
        if self._wake is not None:
            self._wake.cancel()
        for slot in self.candidates:
            slot.retire()
        while self.slots:
            self.remove_last()
        self._fail_waiting(self._stopped())
        await self.gone(list(self._leaving), timeout)

    def _stopped(self) -> ServiceUnavailable:
        return ServiceUnavailable(f'Model "{self.spec.name}" was stopped while the request waited.')

    # --- what others see --------------------------------------------------------------------------

    def healthy(self) -> bool:
        """Whether enough workers are up, or not down for too long."""
        now = time.monotonic()
        return sum(slot.healthy(now) for slot in self.slots) >= self.spec.min_workers

    @property
    def running(self) -> int:
        """Workers that are ready."""
        return sum(slot.state == "ready" for slot in self.slots)

    def resize(self, min_workers: int, max_workers: int) -> None:
        """Remember how many workers are wanted."""
        self.spec = msgspec.structs.replace(self.spec, min_workers=min_workers, max_workers=max_workers)

    def status(self, default: bool) -> ModelStatus:
        """The version as its owner sees it."""
        workers = tuple(slot.status() for slot in self.slots)
        tally = self._tally
        counts = (len(self.queue), tally.requests, tally.errors, tally.latency)
        return ModelStatus(self.spec, default, workers, *counts, tally.history.recent(time.time()))
