"""What a handler prints: still written to the real streams, and its tail kept for a failure."""

from __future__ import annotations

import io
import sys
from typing import TextIO

KEPT = 8 * 1024
"""Characters of output that are remembered per batch."""


class Tail:
    """The last characters written since :meth:`clear`."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def clear(self) -> None:
        """Forget everything."""
        self._parts.clear()
        self._size = 0

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
    """A text stream that writes through to another, at every line's end, and to a :class:`Tail`."""

    def __init__(self, stream: TextIO, tail: Tail) -> None:
        self._stream = stream
        self._tail = tail

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
        self._tail.add(text)
        return self._stream.write(text)

    def flush(self) -> None:
        """Flush the real stream."""
        self._stream.flush()

    def fileno(self) -> int:
        """The descriptor of the real stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the real stream is a terminal."""
        return self._stream.isatty()


def capture() -> Tail:
    """Put a :class:`Tee` in front of stdout and stderr, line-buffered; the tail of both."""
    tail = Tail()
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        # A new stream: the inherited one believes that its descriptor is still what the parent's was.
        stream = open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, Tee(stream, tail))
    return tail
