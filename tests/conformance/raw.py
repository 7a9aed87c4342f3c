"""Bytes as they go over the wire, where a call is too well-behaved: pipelined, malformed, in pieces, old."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from tests.conformance.calls import TIMEOUT, Reader
from tests.conformance.servers import Server


@dataclass(frozen=True)
class Raw:
    """Send bytes on a connection of their own, and read so many answers; the last is what ends a broken connection."""

    data: bytes
    answers: int = 1
    listener: str = "inference"

    def perform(self, server: Server) -> list[dict[str, Any]]:
        """The answers, as those of a call."""
        with socket.create_connection(("127.0.0.1", server.ports[self.listener]), timeout=TIMEOUT) as connection:
            connection.sendall(self.data)
            rest, found = b"", []
            for number in range(self.answers):
                reader = Reader(connection, to_head=self._asks_for_a_head(number), buffer=rest)
                found.append(reader.answer(server, None))
                rest = reader.buffer
            return found

    def _asks_for_a_head(self, number: int) -> bool:
        return number == 0 and self.data.startswith(b"HEAD ")


def get(path: str = "/ping", *headers: str, protocol: str = "HTTP/1.1", method: str = "GET") -> bytes:
    """A request without a body."""
    return "\r\n".join([f"{method} {path} {protocol}", *headers, "", ""]).encode("latin-1")


def post(path: str, body: bytes, *headers: str, protocol: str = "HTTP/1.1") -> bytes:
    """A request with a body; its length is among the headers unless they speak of it."""
    framed = any(each.lower().startswith(("content-length", "transfer-encoding")) for each in headers)
    length = () if framed else (f"Content-Length: {len(body)}",)
    return get(path, *headers, *length, protocol=protocol, method="POST") + body
