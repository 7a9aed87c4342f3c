"""The waiting line of one model version: a bounded first-in, first-out queue of jobs.

Pure: time is an argument, nobody is woken from here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from tsnb.engine.job import Job


class JobQueue:
    """Jobs in the order they came. ``capacity`` bounds what :meth:`put` accepts."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._jobs: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def remaining(self) -> int:
        """How many jobs would still be accepted."""
        return max(0, self.capacity - len(self._jobs))

    def put(self, job: Job) -> bool:
        """Take a place at the end; False when the line is full."""
        if len(self._jobs) >= self.capacity:
            return False
        self._jobs.append(job)
        return True

    def put_all(self, jobs: Sequence[Job]) -> bool:
        """Take places at the end for all of them, or for none: False when there are too few."""
        if len(self._jobs) + len(jobs) > self.capacity:
            return False
        self._jobs.extend(jobs)
        return True

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Return jobs that were taken but never started to the head, in their old order."""
        self._jobs.extendleft(reversed(list(jobs)))

    def take(self, count: int) -> list[Job]:
        """The first ``count`` jobs, fewer if fewer wait."""
        if count >= len(self._jobs):
            return self.drain()
        return [self._jobs.popleft() for _ in range(count)]

    def remove(self, job: Job) -> None:
        """Forget a job whose client is gone, if it still waits."""
        try:
            self._jobs.remove(job)
        except ValueError:
            return

    def oldest(self) -> float | None:
        """When the first job in the line was created, or None for an empty line."""
        return self._jobs[0].created if self._jobs else None

    def drain(self) -> list[Job]:
        """Take everything out."""
        jobs = list(self._jobs)
        self._jobs.clear()
        return jobs
