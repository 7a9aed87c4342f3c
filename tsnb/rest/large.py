"""A large body of known length: received where it will stay, without the copies that a parser makes."""

from __future__ import annotations

import asyncio
import ctypes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tsnb.rest.http1 import Connection
    from tsnb.rest.reader import RequestReader

LARGE: Final = 256 * 2**10
"""Bytes that must still be to come: below, changing the way of receiving costs more than it saves."""


_libc = ctypes.CDLL(None)


def give_back() -> None:
    """Return the memory of bodies that are gone to the system: the C library (glibc) keeps it for the next ones."""
    trim = getattr(_libc, "malloc_trim", None)
    if trim is not None:
        trim(0)


class LargeBody(asyncio.BufferedProtocol):
    """Stands in for a connection while the body comes; the system writes into the body itself."""

    def __init__(self, connection: Connection, reader: RequestReader, body: bytearray) -> None:
        self._connection = connection
        self._reader = reader
        self._body = body
        self._view = memoryview(body)

    def get_buffer(self, sizehint: int) -> memoryview:
        """The room that is left: never a byte more, for that would be the next request's."""
        return self._view[self._reader.received :]

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were written there."""
        self._reader.received += nbytes
        if self._reader.received == len(self._body):
            self._view.release()
            self._connection.body_received(self._body)

    def eof_received(self) -> bool:
        """The client stopped in the middle."""
        return self._connection.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self._connection.connection_lost(error)

    def pause_writing(self) -> None:
        """An earlier answer is read slowly."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """It was read."""
        self._connection.resume_writing()
