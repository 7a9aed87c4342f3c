"""What workers print: read from their pipes, kept in a bounded ring per model version, passed to the log."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable

from tsnb.messages import LogLine
from tsnb.protocol import read_line

log = logging.getLogger("tsnb.model")

MAX_LINE = 16 * 1024
"""Bytes of one line that are kept; the rest of a longer line starts a new one."""

TICK = 1e-6
"""Seconds between two lines that came at once; a float holds a Unix time that exactly."""


class LogRing:
    """The latest lines of a model version, oldest first."""

    def __init__(self, limit: int) -> None:
        self._lines: deque[LogLine] = deque(maxlen=limit)
        self._latest = 0.0

    def add(self, worker: str, stream: str, line: str) -> None:
        """Keep a line as it came from a worker's pipe, and log it with its worker."""
        level, ids, text = read_line(line)
        level = level or ("WARNING" if stream == "stderr" else "INFO")
        # No two lines have the same time, so that whoever asks for those after one misses none.
        self._latest = max(time.time(), self._latest + TICK)
        self._lines.append(LogLine(self._latest, worker, stream, text, level, ids))
        log.log(logging.getLevelNamesMapping().get(level, logging.INFO), "%s %s", worker, text)

    def lines(self, after: float = 0.0, worker: str | None = None) -> list[LogLine]:
        """The lines later than a Unix time, of one worker or of all."""
        return [line for line in self._lines if line.time > after and worker in (None, line.worker)]


class LinePipe(asyncio.Protocol):
    """Cuts what arrives on a pipe into lines."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = bytearray()

    def data_received(self, data: bytes) -> None:
        """More output; whole lines are passed on."""
        self._rest += data
        *lines, rest = bytes(self._rest).split(b"\n")
        for line in lines:
            self._on_line(_text(line))
        while len(rest) > MAX_LINE:
            self._on_line(_text(rest[:MAX_LINE]))
            rest = rest[MAX_LINE:]
        self._rest = bytearray(rest)

    def eof_received(self) -> None:
        """The worker is gone; what it left unfinished is a line too."""
        if self._rest:
            self._on_line(_text(bytes(self._rest)))
            self._rest.clear()


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")


async def follow(descriptor: int, on_line: Callable[[str], None]) -> asyncio.ReadTransport:
    """Read lines from a pipe until its other end closes."""
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: LinePipe(on_line), pipe)
    return transport
