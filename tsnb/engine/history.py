"""The last minutes of one version as a row of moments: how many requests, how many failed, how long they took.

Moments are :data:`MOMENT` seconds long and begin at multiples of it, so that the
rows of several versions fit side by side. Counting costs a handful of additions
per batch; a version that nobody asks keeps nothing.
"""

from __future__ import annotations

from collections import deque

import msgspec

from tsnb.messages import Recent

MOMENT = 2.0
"""Seconds that one moment lasts."""

KEPT = 60
"""Moments that are remembered."""


class History:
    """Counts requests as they are answered. Times are Unix seconds, given by the caller."""

    def __init__(self) -> None:
        self._past: deque[Recent] = deque(maxlen=KEPT)
        self._now = Recent(0.0)

    def add(self, wall: float, requests: int, seconds: float, longest: float, errors: int) -> None:
        """So many requests were answered, after so many seconds together; as many of them were errors."""
        now = self._now
        if wall - now.time >= MOMENT:
            if now.requests:
                self._past.append(now)
            now = self._now = Recent(wall - wall % MOMENT)
        now.requests += requests
        now.seconds += seconds
        if longest > now.longest:
            now.longest = longest
        now.errors += errors

    def recent(self, wall: float) -> tuple[Recent, ...]:
        """The moments in which something was answered, oldest first; none older than :data:`KEPT` of them."""
        oldest = wall - MOMENT * KEPT
        now = [msgspec.structs.replace(self._now)] if self._now.requests else []  # the original goes on counting
        return tuple(each for each in (*self._past, *now) if each.time >= oldest)
