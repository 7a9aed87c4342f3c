"""How many requests of a version were answered, how many of them with errors, and how long they took."""

from __future__ import annotations

from tsnb.engine.history import History


class Tally:
    """Counts answered batches. ``latency`` is the mean of the recent requests, in seconds."""

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.latency = 0.0
        self.history = History()

    def add(self, count: int, seconds: float, longest: float, failed: int, wall: float) -> None:
        """So many were answered at the Unix time ``wall``, after so many seconds together, some with an error."""
        self.requests += count
        self.errors += failed
        self.latency += (1 - 0.9**count) * (seconds / count - self.latency)
        self.history.add(wall, count, seconds, longest, failed)
