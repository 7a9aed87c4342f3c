"""What one run does: which rows, which peers, how long, how often."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The choices of a command line."""

    rows: tuple[str, ...]
    peers: tuple[str, ...]
    rounds: int
    seconds: float
    connections: tuple[int, ...]
    gigabyte: int
    """Bytes of the big model's weights."""
    quick: bool
    nice: int
    """Priority of the servers and the load generator, 0 to leave it."""
    end: float
    """Monotonic time after which nothing new is begun."""

    def late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.end
