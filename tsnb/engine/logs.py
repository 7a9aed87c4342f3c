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

LOGGED = 500
"""Lines of one model version that go to the log in one second: a flood must not hold up the server."""


class LogRing:
    """The latest lines of a model version, oldest first."""

    def __init__(self, limit: int) -> None:
        self._lines: deque[LogLine] = deque(maxlen=limit)
        self._most = max(limit, LOGGED)
        self._latest = 0.0
        self._second = 0
        self._room = LOGGED

    def add(self, worker: str, stream: str, *lines: str) -> None:
        """Keep the latest of these lines, which came from a worker's pipe, and log them with their worker."""
        found = [self._read(worker, stream, line) for line in lines[-self._most :]]
        self._lines.extend(found)
        self._log(worker, found)

    def _read(self, worker: str, stream: str, line: str) -> LogLine:
        level, ids, text = read_line(line)
        level = level or ("WARNING" if stream == "stderr" else "INFO")
        # No two lines have the same time, so that whoever asks for those after one misses none.
        self._latest = max(time.time(), self._latest + TICK)
        return LogLine(self._latest, worker, stream, text, level, ids)

    def _log(self, worker: str, lines: list[LogLine]) -> None:
        if int(self._latest) != self._second:
            self._second, self._room = int(self._latest), LOGGED
        elif not self._room:
            return
        levels = logging.getLevelNamesMapping()
        for line in lines[: self._room]:
            log.log(levels.get(line.level, logging.INFO), "%s %s", worker, line.text)
        self._room = max(0, self._room - len(lines))
        if not self._room:
            log.warning("%s writes %d lines in a second; the rest of this second is not logged", worker, LOGGED)

    def lines(self, after: float = 0.0, worker: str | None = None) -> list[LogLine]:
        """The lines later than a Unix time, of one worker or of all."""
        return [line for line in self._lines if line.time > after and worker in (None, line.worker)]


class LinePipe(asyncio.Protocol):
    """Cuts what arrives on a pipe into lines."""

    def __init__(self, on_lines: Callable[..., None]) -> None:
        self._on_lines = on_lines
        self._rest = bytearray()

    def data_received(self, data: bytes) -> None:
        """More output; whole lines are passed on."""
        self._rest += data
        *lines, rest = bytes(self._rest).split(b"\n")
        *more, rest = _cut(rest)
        if len(self._rest) > MAX_LINE:
            lines = [part for line in lines for part in _cut(line)]
        if lines or more:
            self._on_lines(*map(_text, [*lines, *more]))
        self._rest = bytearray(rest)

    def eof_received(self) -> None:
        """The worker is gone; what it left unfinished is a line too."""
        if self._rest:
            self._on_lines(_text(bytes(self._rest)))
            self._rest.clear()


def _cut(line: bytes) -> list[bytes]:
    return [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)] or [line]


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")


async def follow(descriptor: int, on_lines: Callable[..., None]) -> asyncio.ReadTransport:
    """Read lines from a pipe until its other end closes; ``on_lines`` gets those that came together."""
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: LinePipe(on_lines), pipe)
    return transport
