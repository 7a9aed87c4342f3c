"""Bytes ↔ messages: how a server and a worker talk, in one place.

A frame is a fixed header, a msgpack head, and raw bodies::

    offset  size  field
    0       1     magic, 0x54 ("T")
    1       1     protocol version, 1
    2       2     number of bodies (informative; the head names their sizes)
    4       4     length of the head, H
    8       8     length of all bodies together, B      (integers are little-endian)
    16      H     head: one message below, as a msgpack array whose first item is its tag
    16+H    B     bodies, one after the other, in the order the head lists their sizes

One frame carries a whole batch in either direction. Bodies are never looked
at here. Only JSON-like data is ever decoded: no pickle crosses the socket.
End-of-file between frames is a normal event; inside a frame it is an error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from tsnb.messages import Buffer
from tsnb.protocol.orders import Message

MAGIC: Final = 0x54
VERSION: Final = 1
HEADER: Final = struct.Struct("<BBHIQ")
MAX_HEAD: Final = 64 * 2**20
"""A head longer than this (64 MiB) is taken for garbage on the line."""

SMALL: Final = 64 * 2**10
"""Bodies of up to so many bytes together are copied into one buffer with their head: cheaper than many small ones."""


class ProtocolError(Exception):
    """The peer sent something that is no frame, or closed in the middle of one."""


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message, bodies: Sequence[Buffer] = ()) -> list[Buffer]:
    """The frame of a message as a list of buffers, ready for a gathering write."""
    head = _encoder.encode(message)
    size = sum(map(len, bodies))
    frame: list[Buffer] = [HEADER.pack(MAGIC, VERSION, min(len(bodies), 0xFFFF), len(head), size), head, *bodies]
    return [b"".join(frame)] if size <= SMALL else frame


def lengths(header: Buffer) -> tuple[int, int]:
    """The lengths of the head and of the bodies that a header announces. Raises :class:`ProtocolError`."""
    magic, version, _, head, bodies = HEADER.unpack_from(header)
    if magic != MAGIC or version != VERSION or head > MAX_HEAD:
        raise ProtocolError(f"not a tsnb frame: {bytes(header[: HEADER.size]).hex()}")
    return head, bodies


def decode_head(head: Buffer) -> Message:
    """The message in a head. Raises :class:`ProtocolError`."""
    try:
        return _decoder.decode(head)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"a frame with an unreadable head: {error}") from error


def cut(frame: Buffer, head: int) -> tuple[Message, memoryview]:
    """The message of a whole frame with so long a head, and its bodies in one piece."""
    view = memoryview(frame)
    return decode_head(view[HEADER.size : HEADER.size + head]), view[HEADER.size + head :]


class Reader:
    """Bytes in, messages out, for a side that is fed by an event loop.

    :meth:`feed` yields ``(message, bodies)``; bodies are one buffer, to be cut
    with :func:`tsnb.protocol.replies` or :func:`tsnb.protocol.values`.
    """

    def __init__(self, max_bodies: int | None = None) -> None:
        self._max_bodies = max_bodies
        #: The beginning of a header.
        self._ahead = b""
        #: A frame that is still coming, with room for all of it.
        self._frame = bytearray()
        self._filled = 0

    def feed(self, data: bytes) -> Iterator[tuple[Message, Buffer]]:
        """Add what arrived; yield each frame that is now whole.

        Raises :class:`ProtocolError` for garbage, or for bodies over the limit.
        """
        if self._frame:
            data = self._fill(data)
            if self._filled < len(self._frame):
                return
            frame, self._frame = self._frame, bytearray()
            yield cut(frame, lengths(frame)[0])
        if self._ahead:
            data, self._ahead = self._ahead + data, b""
        start, size = 0, len(data)
        while size - start >= HEADER.size:
            head, bodies = self._accepted(data[start : start + HEADER.size] if start else data)
            middle = start + HEADER.size + head
            if size < middle + bodies:
                self._begin(data, start, middle + bodies - start)
                return
            yield decode_head(data[start + HEADER.size : middle]), data[middle : middle + bodies]
            start = middle + bodies
        self._ahead = data[start:]

    def single(self, data: bytes) -> tuple[Message, bytes] | None:
        """The frame that these bytes are, where they are exactly one: what :meth:`feed` would yield. Else None."""
        size = len(data)
        if self._frame or self._ahead or size < HEADER.size:
            return None
        head, bodies = self._accepted(data)
        middle = HEADER.size + head
        return (decode_head(data[HEADER.size : middle]), data[middle:]) if middle + bodies == size else None

    def _accepted(self, header: bytes) -> tuple[int, int]:
        head, bodies = lengths(header)
        if self._max_bodies is not None and bodies > self._max_bodies:
            raise ProtocolError(
                f"it has {bytes_text(bodies)}, the limit is {bytes_text(self._max_bodies)} (max_response_size)"
            )
        return head, bodies

    def _begin(self, data: bytes, start: int, size: int) -> None:
        """Make room for a frame of this size, of which only a part has come."""
        self._frame = bytearray(size)
        self._filled = len(data) - start
        self._frame[: self._filled] = memoryview(data)[start:]

    def _fill(self, data: bytes) -> bytes:
        """Add to the frame that is coming; what does not belong to it any more."""
        wanted = min(len(data), len(self._frame) - self._filled)
        self._frame[self._filled : self._filled + wanted] = memoryview(data)[:wanted]
        self._filled += wanted
        return data[wanted:]


def bytes_text(size: int) -> str:
    """A size for people: ``6553500 bytes``."""
    return f"{size} bytes"
