"""How many requests of a version were answered, how many of them with errors, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence

from tsnb.engine.history import History
from tsnb.engine.job import Job


class Tally:
    """Counts answered batches. ``latency`` is the mean of the recent requests, in seconds."""

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.latency = 0.0
        self.history = History()

    def add(self, jobs: Sequence[Job], now: float, wall: float) -> int:
        """These were answered at the loop's time ``now``, Unix time ``wall``; how many of them with an error."""
        count, failed, total, longest = len(jobs), 0, 0.0, 0.0
        for job in jobs:
            latency = now - job.created
            total += latency
            if latency > longest:
                longest = latency
            if job.error is not None:
                failed += 1
        self.requests += count
        self.errors += failed
        self.latency += (1 - 0.9**count) * (total / count - self.latency)
        self.history.add(wall, count, total, longest, failed)
        return failed
