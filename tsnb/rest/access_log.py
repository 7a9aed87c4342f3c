"""The access log (spec 0.7): noted in a queue, written by a thread, so that no request waits for a disk or a pipe."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TextIO

MOST = 100_000
"""Lines that may wait to be written; beyond them the oldest are dropped and counted."""
PAUSE = 0.2
"""Seconds between two writes."""


class AccessLog:
    """Call it with each answered request; ``close`` writes what is left."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: deque[tuple[float, str, str, str, int, float]] = deque(maxlen=MOST)
        self._noted = 0
        self._written = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def __call__(self, remote: str, method: str, target: str, status: int, milliseconds: float) -> None:
        """Note a request; costs about a microsecond."""
        self._lines.append((time.time(), remote, method, target, status, milliseconds))
        self._noted += 1

    def close(self) -> None:
        """Write what is left, within a second."""
        self._stop.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        text = []
        while self._lines:
            text.append(_line(*self._lines.popleft()))
        lost = max(0, self._noted - self._written - len(text) - len(self._lines))
        self._written += len(text) + lost
        if lost:
            text.append(f"{stamp(time.time())} {lost} lines of the access log were dropped: too many to write.\n")
        if text:
            try:
                self._file.write("".join(text))
                self._file.flush()
            except (OSError, ValueError):
                self._stop.set()  # nobody reads us any more


def stamp(seconds: float) -> str:
    """Local time with milliseconds, as in ``2026-01-31T23:59:59,123``."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.localtime(seconds))},{int(seconds * 1000) % 1000:03d}"


def _line(seconds: float, remote: str, method: str, target: str, status: int, milliseconds: float) -> str:
    protocol = "HTTP/2.0" if method == "gRPC" else "HTTP/1.1"
    return f'{stamp(seconds)} {remote} "{method} {target} {protocol}" {status} {milliseconds:.0f}\n'
