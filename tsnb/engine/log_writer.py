"""Log lines, noted at once and written later by one thread, so that no request waits for a disk or a pipe.

A :class:`Channel` takes items, whatever they are, and makes text of them when
the thread comes round: several times a second, all that are there at once.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

log = logging.getLogger("tsnb.logs")

T = TypeVar("T")

MOST = 100_000
"""Items of one channel that may wait; beyond them the oldest are dropped and counted."""
PAUSE = 0.2
"""Seconds between two writes."""


class Target(Protocol):
    """Where text goes: a :class:`~tsnb.engine.log_files.RotatingFile`, or :class:`Console`."""

    def write(self, text: str) -> object:
        """Write it all. Raises OSError or ValueError."""

    def close(self) -> object:
        """Nothing more will come."""


class Output(Generic[T]):
    """One place that a channel writes to, and how its items look there."""

    def __init__(self, target: Target, render: Callable[[list[T]], str], name: str) -> None:
        self.target = target
        self._render = render
        self._name = name
        self._failing = False

    def write(self, items: list[T]) -> None:
        """Write what can be written; when it cannot be, say so once and go on."""
        try:
            self.target.write(self._render(items))
        except (OSError, ValueError) as error:
            if not self._failing:
                log.error("%s cannot be written, its lines are lost until it can: %s", self._name, error)
            self._failing = True
        else:
            self._failing = False


class Channel(Generic[T]):
    """Items on their way to one or more outputs. ``put`` may be called from any thread."""

    def __init__(self, name: str, outputs: Sequence[Output[T]]) -> None:
        self.outputs = outputs
        self._name = name
        self._waiting: deque[T] = deque(maxlen=MOST)
        self._noted = 0
        self._taken = 0

    def put(self, item: T) -> None:
        """Note an item; costs a tenth of a microsecond."""
        self._waiting.append(item)
        self._noted += 1

    def extend(self, items: Iterable[T]) -> None:
        """Note several items."""
        for item in items:
            self.put(item)

    def flush(self) -> None:
        """Write what waits. Called by the writing thread."""
        items: list[T] = []
        while self._waiting:
            items.append(self._waiting.popleft())
        lost = max(0, self._noted - self._taken - len(items) - len(self._waiting))
        self._taken += len(items) + lost
        if lost:
            log.warning("%d lines of %s were dropped: too many to write", lost, self._name)
        if items:
            for output in self.outputs:
                output.write(items)


class LogWriter:
    """The thread that writes, for all channels of a server."""

    def __init__(self) -> None:
        self._channels: list[Channel[object]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def add(self, channel: Channel[T]) -> Channel[T]:
        """Write what is put into this channel."""
        self._channels.append(channel)  # type: ignore[arg-type]
        return channel

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left, within a few seconds. May be called twice, and without having been started."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(3.0)
        for channel in self._channels:
            for output in channel.outputs:
                output.target.close()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        for channel in self._channels:
            try:
                channel.flush()
            except Exception:  # one odd item must not end all logs
                log.exception("lines of a log were lost")
