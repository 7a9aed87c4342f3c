"""What workers print: read from their pipes, kept in a bounded ring per model version, passed to the logs.

Every line goes to ``model_log.log``, where there is one, and a bounded number
of them to the server's own log, under the name :data:`LOGGER`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from tsnb.engine.log_layout import Layout
from tsnb.engine.log_writer import Channel
from tsnb.engine.metric_log import MetricLog
from tsnb.messages import LogLine
from tsnb.protocol import read_line

LOGGER = "tsnb.model"
log = logging.getLogger(LOGGER)

METRIC = "[METRICS]"
"""How a line begins that a handler printed to have it counted."""

MAX_LINE = 16 * 1024
"""Bytes of one line that are kept; the rest of a longer line starts a new one."""

TICK = 1e-6
"""Seconds between two lines that came at once; a float holds a Unix time that exactly."""

LOGGED = 500
"""Lines of one model version that go to the log in one second: a flood must not hold up the server."""


WAITING = 64 * 2**20
"""Characters that may wait to be written to ``model_log.log``."""

Lines: TypeAlias = tuple[float, str, str, tuple[str, ...]]
"""Unix time, thread (worker, model and stream, as TorchServe names it), stream, and lines with their marks."""


class EngineLogs(Struct, frozen=True):
    """The files that an engine writes to, where there are some."""

    metrics: MetricLog | None = None
    model: Channel[Lines] | None = None


class LogRing:
    """The latest lines of a model version, oldest first."""

    def __init__(self, limit: int) -> None:
        self._label = ""
        self._file: Channel[Lines] | None = None
        self._count: Callable[[str], bool] | None = None
        self._lines: deque[LogLine] = deque(maxlen=limit)
        self._most = max(limit, LOGGED)
        self._latest = 0.0
        self._second = 0
        self._room = LOGGED

    def attach(
        self, model: str, version: str, file: Channel[Lines] | None, count: Callable[[str, str], bool] | None = None
    ) -> None:
        """Say whose lines these are, which file gets all of them, and what counts the metrics among them."""
        self._label = "".join(char if char.isprintable() else "_" for char in f"{model}_{version}")
        self._file = file
        self._count = None if count is None else lambda line: count(line, model)

    def add(self, worker: str, stream: str, *lines: str) -> None:
        """Keep the latest of these lines, which came from a worker's pipe, and log them with their worker."""
        lines = tuple(line for line in lines if METRIC not in line or not self._counted(line))
        if not lines:
            return
        thread = f"W-{worker}-{self._label}-{stream}"
        if self._file is not None:
            self._file.put((time.time(), thread, stream, lines), sum(map(len, lines)) + len(lines))
        found = [self._read(worker, stream, line) for line in lines[-self._most :]]
        self._lines.extend(found)
        self._log(worker, thread, found)

    def _counted(self, line: str) -> bool:
        """Whether a line was a metric, which is counted instead."""
        text = read_line(line)[2]
        return self._count is not None and text.startswith(METRIC) and self._count(text.removeprefix(METRIC))

    def _read(self, worker: str, stream: str, line: str) -> LogLine:
        level, ids, text = read_line(line)
        level = level or _usual(stream)
        # No two lines have the same time, so that whoever asks for those after one misses none.
        self._latest = max(time.time(), self._latest + TICK)
        return LogLine(self._latest, worker, stream, text, level, ids)

    def _log(self, worker: str, thread: str, lines: list[LogLine]) -> None:
        if int(self._latest) != self._second:
            self._second, self._room = int(self._latest), LOGGED
        elif not self._room:
            return
        levels = logging.getLevelNamesMapping()
        for line in lines[: self._room]:
            level = levels.get(line.level, logging.INFO)
            if log.isEnabledFor(level):
                record = log.makeRecord(LOGGER, level, "", 0, line.text, (), None)
                record.threadName = thread
                log.handle(record)
        self._room = max(0, self._room - len(lines))
        if not self._room:
            log.warning("%s writes %d lines in a second; the rest of this second is not logged", worker, LOGGED)

    def lines(self, after: float = 0.0, worker: str | None = None) -> list[LogLine]:
        """The lines later than a Unix time, of one worker or of all."""
        return [line for line in self._lines if line.time > after and worker in (None, line.worker)]


def _usual(stream: str) -> str:
    """The level of a line without a mark."""
    return "WARNING" if stream == "stderr" else "INFO"


def renderer(layout: Layout, least: int = logging.NOTSET) -> Callable[[list[Lines]], str]:
    """What makes text of lines for a file; those below a level are left out."""
    levels = logging.getLevelNamesMapping()

    def one(seconds: float, thread: str, stream: str, line: str) -> str:
        level, _, text = read_line(line)
        level = level or _usual(stream)
        return layout.text(seconds, level, thread, "MODEL_LOG", text) if levels.get(level, 0) >= least else ""

    def render(items: list[Lines]) -> str:
        return "".join(one(seconds, thread, stream, line) for seconds, thread, stream, lines in items for line in lines)

    return render


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
