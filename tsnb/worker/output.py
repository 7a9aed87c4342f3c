"""What a handler prints or logs: written to the real streams, each line marked with its level and its requests.

The tail of it is kept for a failure. :func:`tsnb.protocol.line_mark` says what a mark is.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Sequence
from typing import TextIO

from tsnb.protocol import line_mark

KEPT = 8 * 1024
"""Characters of output that are remembered per batch."""


class Tail:
    """The last characters written since :meth:`clear`."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._running: Sequence[str] = ()
        self._marks: dict[str, str] = {}

    def clear(self, running: Sequence[str] = ()) -> None:
        """Forget everything; from now on the requests with these ids run."""
        self._running = running
        if self._parts or self._marks:
            self._parts.clear()
            self._marks.clear()
            self._size = 0

    def mark(self, level: str) -> str:
        """What stands before a line written now."""
        found = self._marks.get(level)
        if found is None:
            found = self._marks[level] = line_mark(level, self._running)
        return found

    def add(self, text: str) -> None:
        """Remember ``text``, and forget the oldest where that is too much."""
        self._parts.append(text[-KEPT:])
        self._size += len(self._parts[-1])
        if self._size > 2 * KEPT:
            self._parts = [self.text()]
            self._size = len(self._parts[0])

    def text(self) -> str:
        """At most :data:`KEPT` characters, the newest."""
        return "".join(self._parts)[-KEPT:]


class Tee(io.TextIOBase):
    """A text stream that writes through to another, at every line's end, and to a :class:`Tail`.

    ``level`` is that of plain prints.
    """

    def __init__(self, stream: TextIO, tail: Tail, level: str = "INFO") -> None:
        self._stream = stream
        self._tail = tail
        self._level = level
        self._at_start = True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the real stream."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """The error handling of the real stream."""
        return self._stream.errors

    @property
    def buffer(self) -> object:
        """The bytes beneath; what is written there is not remembered."""
        return self._stream.buffer

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Write to both."""
        self.write_at(self._level, text)
        return len(text)

    def write_at(self, level: str, text: str) -> None:
        """Write text of another level to both."""
        if not text:
            return
        self._tail.add(text)
        mark = self._tail.mark(level)
        marked = text.replace("\n", "\n" + mark)
        begins, self._at_start = self._at_start, text.endswith("\n")
        if self._at_start:
            marked = marked[: -len(mark)]
        self._stream.write(mark + marked if begins else marked)

    def flush(self) -> None:
        """Flush the real stream."""
        self._stream.flush()

    def fileno(self) -> int:
        """The descriptor of the real stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the real stream is a terminal."""
        return self._stream.isatty()


class LineHandler(logging.Handler):
    """Writes log records to a :class:`Tee` with their own level."""

    def __init__(self, tee: Tee) -> None:
        super().__init__()
        self._tee = tee

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, which may be several lines."""
        try:
            self._tee.write_at(level_name(record.levelno), self.format(record) + "\n")
        except Exception:
            self.handleError(record)


def level_name(number: int) -> str:
    """The name of the standard level at or below a number."""
    standard = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO)
    return logging.getLevelName(next((level for level in standard if number >= level), logging.DEBUG))


def capture() -> Tail:
    """Put a :class:`Tee` in front of stdout and stderr, line-buffered, and let logging write there; the tail of all."""
    tail = Tail()
    for name, descriptor, level in (("stdout", 1, "INFO"), ("stderr", 2, "WARNING")):
        # A new stream: the inherited one believes that its descriptor is still what the parent's was.
        stream = open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        tee = Tee(stream, tail, level)
        setattr(sys, name, tee)
        if descriptor == 1:
            logging.basicConfig(handlers=[LineHandler(tee)], format="%(message)s", level=logging.INFO, force=True)
    return tail
