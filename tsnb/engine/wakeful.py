"""A server that stays awake for a moment: to go to sleep and be woken takes longer than a quick model's whole answer.

A batch costs the server two wake-ups, and those who wake it as many. Where the last
events came within :data:`MOMENT`, the loop goes on looking for the next one
that long. Where they do not, it tries again more and more rarely.
"""

from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import Final

MOMENT: Final = 100e-6
"""Seconds."""
QUICK: Final = 500e-6
"""Seconds that a batch takes at most for its end, or what its clients ask next, to be near."""
RAREST: Final = 255
"""Most occasions that are passed over after it was in vain."""


class Wakeful:
    """Keeps a loop from sleeping. ``stay`` says that the next event may be near: it is all that is needed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wanted: bool = True) -> None:
        self._loop = loop
        self._processors = _processors() if wanted else 1
        self._awake = False
        self._until = 0.0
        self._passed = self._rarely = 0

    def stay(self, seconds: float | None = 0.0, others: int = 1) -> None:
        """Something was asked or answered of a model whose batches take so many seconds, None if nobody knows.

        ``others`` are at work, too: where they need all processors, we sleep.
        """
        if seconds is None or seconds >= QUICK:
            return
        if self._awake:  # the one before was not in vain
            self._rarely = 0
            self._until = monotonic() + MOMENT
        elif self._passed < self._rarely:
            self._passed += 1
        elif others < self._processors:
            self._awake, self._passed = True, 0
            self._until = monotonic() + MOMENT
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        if monotonic() < self._until:
            self._loop.call_soon(self._look)
        else:
            self._awake = False
            self._rarely = min(2 * self._rarely + 1, RAREST)


def _processors() -> int:
    """How many this process may use: with a single one it would only keep others from working."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
