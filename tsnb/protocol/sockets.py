"""Frames on a blocking socket: the worker's side."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

from tsnb.messages import Buffer
from tsnb.protocol.frames import HEADER, ProtocolError, cut, encode, lengths
from tsnb.protocol.orders import Message

AHEAD: Final = 64 * 2**10
"""Bytes that a worker asks for at a time: one system call for the whole of a small frame."""


class Source:
    """Frames of a blocking socket, of which it may read more than one at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ahead = b""

    def read(self) -> tuple[Message, Buffer] | None:
        """The next frame, or None at end-of-file. Raises :class:`ProtocolError`."""
        data: Buffer = self._ahead or self._sock.recv(AHEAD)
        if not data:
            return None
        if len(data) < HEADER.size:
            data = self._whole(data, HEADER.size)
        head, bodies = lengths(data)
        end = HEADER.size + head + bodies
        if len(data) < end:
            data = self._whole(data, end)
        self._ahead = bytes(data[end:])
        return cut(data if len(data) == end else data[:end], head)

    def _whole(self, begun: Buffer, size: int) -> bytearray:
        """So many bytes, of which the first have come."""
        data = bytearray(size)
        data[: len(begun)] = begun
        view = memoryview(data)
        got = len(begun)
        while got < size:
            count = self._sock.recv_into(view[got:])
            if count == 0:
                raise ProtocolError(f"the connection closed inside a frame, after {got} bytes")
            got += count
        return data


def write(sock: socket.socket, message: Message, bodies: Sequence[Buffer] = ()) -> None:
    """Send one frame over a blocking socket, without joining its buffers."""
    frame = encode(message, bodies)
    if len(frame) == 1:
        sock.sendall(frame[0])
        return
    views = [memoryview(part).cast("B") for part in frame if len(part)]
    while views:
        sent = sock.sendmsg(views[:64])
        while views and sent >= len(views[0]):
            sent -= len(views.pop(0))
        if sent:
            views[0] = views[0][sent:]
