"""When a worker that died is started again (spec 7.2). Pure."""

from __future__ import annotations

DELAYS = (0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597)
"""Seconds to wait before each retry; the index is advanced before use, so the first wait is one second."""


class Backoff:
    """The waits of one worker between its restarts, and when to stop trying."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._index = 0
        self._down_since: float | None = None

    def reset(self) -> None:
        """The worker has loaded: forget earlier failures."""
        self._index = 0
        self._down_since = None

    def next(self, now: float) -> float | None:
        """Seconds to wait after a failure at ``now``; None once it has been down longer than the window."""
        if self._down_since is None:
            self._down_since = now
        if now - self._down_since > self._window:
            return None
        self._index = min(self._index + 1, len(DELAYS) - 1)
        return DELAYS[self._index]

    def down_for(self, now: float) -> float:
        """Seconds since the worker last worked, 0 while it does."""
        return 0.0 if self._down_since is None else now - self._down_since
