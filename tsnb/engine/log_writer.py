"""Log lines, noted at once and written later by one thread, so that no request waits for a disk or a pipe.

A :class:`Channel` takes items, whatever they are, and makes text of them when
the thread comes round: several times a second, all that are there at once.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

log = logging.getLogger("tsnb.logs")

T = TypeVar("T")

MOST = 100_000
"""Items of one channel that may wait; further ones are dropped and counted."""
PAUSE = 0.2
"""Seconds between two writes."""


class Target(Protocol):
    """Where text goes: a :class:`~tsnb.engine.log_files.RotatingFile`, or :class:`Console`; its text says where."""

    def write(self, text: str) -> object:
        """Write it all. Raises OSError or ValueError."""

    def close(self) -> object:
        """Nothing more will come."""


class Console:
    """Standard error, which others write to as well."""

    def write(self, text: str) -> None:
        """Write and flush. Raises OSError or ValueError where nobody listens any more."""
        sys.stderr.write(text)
        sys.stderr.flush()

    def close(self) -> None:
        """Stays open."""

    def __str__(self) -> str:
        return "stderr"


class Output(Generic[T]):
    """The places that a channel writes to in one form."""

    def __init__(self, targets: Sequence[Target], render: Callable[[list[T]], str]) -> None:
        self.targets = targets
        self._render = render
        self._failing: set[Target] = set()

    def write(self, items: list[T]) -> None:
        """Write what can be written; of a place that cannot be written to, say so once and go on."""
        text = self._render(items)
        for target in self.targets:
            try:
                target.write(text)
            except (OSError, ValueError) as error:
                if target not in self._failing:
                    log.error("%s cannot be written, its lines are lost until it can: %s", target, error)
                self._failing.add(target)
            else:
                self._failing.discard(target)


class Channel(Generic[T]):
    """Items on their way to one or more outputs; ``most`` bounds the weight of those that wait.

    Counters are written by one side each, those who put or the thread that
    writes, so that there are no locks.
    """

    def __init__(self, name: str, outputs: Sequence[Output[T]], most: int = MOST) -> None:
        self.outputs = outputs
        self._name = name
        self._most = most
        self._waiting: deque[T] = deque()
        self._noted = 0
        self._dropped = 0
        self._taken = 0
        self._told = 0

    def put(self, item: T, weight: int = 1) -> None:
        """Note an item, or drop and count it where too much waits; costs a tenth of a microsecond."""
        if self._noted - self._taken >= self._most:
            self._dropped += 1
            return
        self._noted += weight
        self._waiting.append(item)

    def flush(self) -> None:
        """Write what waits. Called by the writing thread."""
        noted, dropped = self._noted, self._dropped
        items: list[T] = []
        while self._waiting:
            items.append(self._waiting.popleft())
        self._taken = noted
        if items:
            for output in self.outputs:
                output.write(items)
        if dropped > self._told:
            log.warning("%d entries of %s were dropped: too many to write", dropped - self._told, self._name)
            self._told = dropped


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
                for target in output.targets:
                    target.close()

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
