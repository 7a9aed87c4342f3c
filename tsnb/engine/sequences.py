"""The waiting lines of a stateful model: one for each sequence, each bound to one worker (spec 7.9). Pure.

A sequence opens with its first request and is bound to the worker that takes
it. It ends when it was idle for too long, is too old, or its handler says so;
that frees its place, and a later request of the same name opens it anew.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable

from tsnb.engine.job import Job
from tsnb.engine.queue import JobQueue
from tsnb.messages import Sequencing


class Group:
    """One open sequence. ``worker`` is the one it is bound to, ``used`` when it last had something to do."""

    __slots__ = ("ending", "name", "opened", "passing", "running", "used", "waiting", "worker")

    def __init__(self, name: str, now: float, passing: bool) -> None:
        self.name = name
        self.opened = now
        self.used = now
        #: It holds one request that is no part of any sequence, and takes nobody's place.
        self.passing = passing
        #: Its handler said that it is over; what runs in it still belongs to it.
        self.ending = False
        self.waiting: deque[Job] = deque()
        self.running: set[Job] = set()
        self.worker: Hashable | None = None

    @property
    def busy(self) -> bool:
        """Whether a request of it waits or runs."""
        return bool(self.waiting or self.running)


class SequenceQueue(JobQueue):
    """Jobs by sequence. ``name_of(job)`` is the name of a job's sequence; ``""`` for a job without one.

    With ``overlap`` several jobs of a sequence may run at once, as they do in
    continuous batching; otherwise one follows the other.
    """

    def __init__(self, rules: Sequencing, name_of: Callable[[Job], str], *, overlap: bool = False) -> None:
        super().__init__(rules.max_open * rules.queue_size)
        self._rules = rules
        self._name_of = name_of
        self._overlap = overlap
        self._groups: dict[str, Group] = {}

    def __len__(self) -> int:
        return sum(len(group.waiting) for group in self._groups.values())

    @property
    def remaining(self) -> int:
        """How many jobs would still be accepted, if they were spread over all sequences."""
        return max(0, self.capacity - len(self))

    def open(self, now: float) -> list[str]:
        """The names of the sequences that are open."""
        self._close_old(now)
        return [group.name for group in self._groups.values() if not group.passing]

    def put(self, job: Job) -> bool:
        """Add a job to its sequence; False if that has too many waiting, or too many sequences are open."""
        group = self._group(job)
        if group is None or len(group.waiting) >= self._rules.queue_size:
            return False
        group.waiting.append(job)
        group.used = job.created
        return True

    def _group(self, job: Job) -> Group | None:
        name, now = self._name_of(job), job.created
        known = self._groups.get(self._key(job))
        if known is not None and not self._over(known, now):
            return known
        full = known is None and name and len(self._groups) >= self._rules.max_open
        if full and len(self.open(now)) >= self._rules.max_open:
            return None
        opened = Group(self._key(job), now, passing=not name)
        if known is not None:  # the old one is too old, but what it holds must be answered
            opened.waiting, opened.running, opened.worker = known.waiting, known.running, known.worker
        self._groups[opened.name] = opened
        return opened

    def _over(self, group: Group, now: float) -> bool:
        rules = self._rules
        if rules.timeout and now - group.opened >= rules.timeout / 1000:
            return True
        return not group.busy and now - group.used >= rules.max_idle / 1000

    def _close_old(self, now: float) -> None:
        over = [name for name, group in self._groups.items() if not group.busy and self._over(group, now)]
        for name in over:
            del self._groups[name]

    def bound(self, worker: Hashable) -> int:
        """How many sequences are bound to a worker."""
        return sum(group.worker is worker for group in self._groups.values())

    def take_for(self, worker: Hashable, count: int, idle: int = 1) -> list[Job]:
        """At most ``count`` jobs for one of ``idle`` workers: one of each sequence that it may have, the oldest first.

        A sequence that has no worker yet is bound to this one; those are shared evenly.
        """
        ready = [group for group in self._groups.values() if group.waiting and (self._overlap or not group.running)]
        free = sum(group.worker is None for group in ready)
        share = math.ceil(free / max(1, idle))
        taken: list[Job] = []
        for group in sorted(ready, key=lambda group: group.waiting[0].created):
            if len(taken) >= count or group.worker not in (None, worker) or (group.worker is None and share <= 0):
                continue
            share -= group.worker is None
            group.worker = worker
            taken.append(group.waiting.popleft())
            group.running.add(taken[-1])
        return taken

    def finished(self, job: Job, now: float) -> None:
        """A job that was taken has its answer."""
        group = self._holder(job)
        if group is None:
            return
        group.running.discard(job)
        group.used = now
        if not group.running and (group.ending or group.passing):
            self._over_now(group, now)

    def _over_now(self, group: Group, now: float) -> None:
        group.opened, group.ending = now, False
        if not group.waiting:
            del self._groups[group.name]

    def end(self, name: str, now: float) -> None:
        """A sequence is over: what still waits in it counts as the beginning of another of this name."""
        group = self._groups.get(name)
        if group is None:
            return
        if group.running:
            group.ending = True
        else:
            self._over_now(group, now)

    def release(self, worker: Hashable | None = None) -> None:
        """A worker, or every one (None), is gone: its sequences are bound anew, to whoever takes their next job."""
        for group in self._groups.values():
            if worker is None or group.worker is worker:
                group.worker = None

    def _key(self, job: Job) -> str:
        return self._name_of(job) or f"-{job.request.id}"

    def _holder(self, job: Job) -> Group | None:
        group = self._groups.get(self._key(job))
        return group if group is not None and job in group.running else None

    # --- as any queue -----------------------------------------------------------------------------

    def take(self, count: int) -> list[Job]:
        """Jobs for nobody in particular: use :meth:`take_for`."""
        return self.take_for(None, count)

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Return jobs that were taken but never started to the heads of their lines."""
        for job in reversed(list(jobs)):
            group = self._holder(job)
            if group is not None:
                group.running.discard(job)
                group.waiting.appendleft(job)

    def remove(self, job: Job) -> None:
        """Forget a job whose client is gone, if it still waits."""
        group = self._groups.get(self._key(job))
        if group is None or job not in group.waiting:
            return
        group.waiting.remove(job)
        if group.passing:
            del self._groups[group.name]

    def oldest(self) -> float | None:
        """When the first job of all was created, or None if none waits."""
        return min((group.waiting[0].created for group in self._groups.values() if group.waiting), default=None)

    def drain(self) -> list[Job]:
        """Take everything out that waits."""
        jobs = [job for group in self._groups.values() for job in group.waiting]
        for group in self._groups.values():
            group.waiting.clear()
        return jobs
