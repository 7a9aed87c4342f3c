"""A small HTTP/1.1 client on a raw socket: little of its own time in what it measures."""

from __future__ import annotations

import socket
import time
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    status: int
    body: bytes
    seconds: float


class Arrival(NamedTuple):
    """A streamed answer: its body, when its first piece and its end arrived (monotonic), and when it was asked."""

    status: int
    body: bytes
    asked: float
    first: float
    last: float


def request_bytes(url: str, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> bytes:
    """A POST as it travels."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Type: {content_type}"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Connection:
    """One keep-alive connection."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def ask(self, request: bytes) -> Answer:
        """Send, and wait for the whole answer."""
        start = time.perf_counter()
        self._socket.sendall(request)
        status, headers = self._head()
        body = self._chunked() if headers.get("transfer-encoding") == "chunked" else self._sized(headers)
        return Answer(status, body, time.perf_counter() - start)

    def stream(self, request: bytes, marker: bytes) -> Arrival:
        """Send, and note when ``marker`` arrived."""
        asked = time.monotonic()
        self._socket.sendall(request)
        status, headers = self._head()
        first = 0.0
        raw = bytearray(self._left)
        chunked = headers.get("transfer-encoding") == "chunked"
        while True:
            if not first and marker in raw:
                first = time.monotonic()
            if chunked and raw.endswith(b"0\r\n\r\n"):
                break
            piece = self._socket.recv(1 << 16)
            if not piece:
                break
            raw += piece
        last = time.monotonic()
        body = dechunk(bytes(raw)) if chunked else bytes(raw)
        return Arrival(status, body, asked, first, last)

    def _head(self) -> tuple[int, dict[str, str]]:
        data = self._left
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, self._left = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return int(first.split()[1]), {name.lower(): value.strip().lower() for name, _, value in pairs}

    def _sized(self, headers: dict[str, str]) -> bytes:
        size = int(headers.get("content-length", 0))
        data = self._left
        while len(data) < size:
            data += self._more()
        self._left = data[size:]
        return data[:size]

    def _chunked(self) -> bytes:
        data = self._left
        while not data.endswith(b"0\r\n\r\n"):
            data += self._more()
        self._left = b""
        return dechunk(data)

    def _more(self) -> bytes:
        piece = self._socket.recv(1 << 16)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece


def dechunk(data: bytes) -> bytes:
    """The body in chunks, joined."""
    parts, position = [], 0
    while True:
        end = data.index(b"\r\n", position)
        size = int(data[position:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(data[end + 2 : end + 2 + size])
        position = end + 4 + size
