"""HTTP calls as steps of a case: the bytes are written by hand, and the answer is read chunk by chunk."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.servers import Server, trusting

TIMEOUT = 30.0
STANDARD = {
    "pragma": "no-cache",
    "cache-control": "no-cache; no-store, must-revalidate, private",
    "expires": "Thu, 01 Jan 1970 00:00:00 UTC",
    "x-request-id": "<uuid>",
}
"""Headers of every answer (spec 0.3): a recording names those that an answer lacks."""

Show = Callable[[Any], Any]
"""What of a body to compare, where not all of it: takes its text, or its JSON."""


@dataclass(frozen=True)
class Call:
    """One request on a connection of its own; see :func:`call`."""

    line: str
    body: bytes | None
    headers: dict[str, str]
    listener: str
    token: str
    show: Show | None
    silent: bool = False
    plain: bool = False

    def perform(self, server: Server) -> Any:
        """The answer as JSON: status, reason, headers, and body or chunks."""
        answer = self.ask(server)
        return None if self.silent else answer

    def ask(self, server: Server, timeout: float = TIMEOUT) -> dict[str, Any]:
        """The answer; ``{"no answer": seconds}`` where none came in time, ``{"connection": …}`` where it broke."""
        try:
            connection = self._connect(server, timeout)
        except ConnectionRefusedError:
            return {"connection": "refused"}
        with connection:
            connection.sendall(self._bytes(server))
            try:
                return Reader(connection, to_head=self.line.startswith("HEAD ")).answer(server, self.show)
            except TimeoutError:
                return {"no answer": timeout}
            except OSError:
                return {"connection": "reset"}

    def _connect(self, server: Server, timeout: float) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", server.ports[self.listener]), timeout=timeout)
        if server.house.scheme == "http" or self.plain:
            return connection
        return trusting().wrap_socket(connection)

    def _bytes(self, server: Server) -> bytes:
        headers = {"Host": "localhost", **self.headers}
        if self.token:
            headers["Authorization"] = server.fill(self._authorization(server))
        body = b"" if self.body is None else _filled(self.body, server)
        if self.body is not None and "Transfer-Encoding" not in headers:
            headers.setdefault("Content-Length", str(len(body)))
        lines = [f"{self.line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return server.fill("\r\n".join(lines)).encode() + b"\r\n\r\n" + body

    def _authorization(self, server: Server) -> str:
        kinds = ("inference", "management", "API")
        return f"Bearer {server.token(self.token)}" if self.token in kinds else self.token


def call(
    line: str,
    body: bytes | str | dict[str, Any] | None = None,
    *,
    content_type: str = "",
    headers: dict[str, str] | None = None,
    token: str = "",
    show: Show | None = None,
    silent: bool = False,
    plain: bool = False,
) -> Call:
    """A request, ``"POST /predictions/echo"`` and its body.

    Where the line begins with ``management`` or ``metrics`` it goes to that listener: ``"management GET /models"``.
    A dictionary is sent as JSON. ``token`` is ``inference``, ``management`` or ``API`` for the server's own key, or a
    whole Authorization header. ``<store>``, ``<folder>``, ``<archives>`` and ``<files>`` (a file server with the
    archives) are filled in. ``show`` picks what is compared of the body; a ``silent`` call is not compared at all, a
    ``plain`` one speaks no TLS even to an https address.
    """
    first, _, rest = line.partition(" ")
    listener, line = (first, rest) if first in ("management", "metrics", "inference") else ("inference", line)
    if isinstance(body, dict):
        body, content_type = json.dumps(body), content_type or "application/json"
    data = body.encode() if isinstance(body, str) else body
    own = {"Content-Type": content_type} if content_type else {}
    return Call(line, data, {**own, **(headers or {})}, listener, token, show, silent, plain)


def form(*parts: tuple[str, str, bytes], end: bool = True) -> tuple[bytes, str]:
    """A multipart body and its content type, from (name, ``"filename; type"`` or ``""``, value)."""
    lines = []
    for name, file, value in parts:
        filename, _, kind = file.partition("; ")
        disposition = f'Content-Disposition: form-data; name="{name}"'
        disposition += f'; filename="{filename}"' if filename else ""
        head = [b"--frontier", disposition.encode()]
        head += [f"Content-Type: {kind}".encode()] if kind else []
        lines += [*head, b"", value]
    body = b"\r\n".join([*lines, b"--frontier--" if end else b"--front", b""])
    return body, "multipart/form-data; boundary=frontier"


def _filled(body: bytes, server: Server) -> bytes:
    try:
        return server.fill(body.decode()).encode()
    except UnicodeDecodeError:
        return body


@dataclass
class Reader:
    """Reads one answer from a socket."""

    connection: socket.socket
    to_head: bool = False
    buffer: bytes = b""
    seen: dict[str, str] = field(default_factory=dict)

    def answer(self, server: Server, show: Show | None) -> dict[str, Any]:
        first = self._line()
        if not first:
            return {"connection": "closed without an answer"}
        _, status, reason = [*first.split(" ", 2), ""][:3]
        if status == "100":  # leave to send the body, which may come or not: the body is under way already
            self._line()
            return self.answer(server, show)
        self._headers()
        found: dict[str, Any] = {"status": int(status), "reason": reason}
        if self.to_head or (found["status"] in (204, 304) and "content-length" not in self.seen):
            return {**found, **self._shown_headers(server)}
        if self.seen.get("transfer-encoding") == "chunked":
            found["chunks"] = [_text(chunk, server) for chunk in self._chunks()]
        else:
            found |= self._body(server, show)
        return {**found, **self._shown_headers(server)}

    def _headers(self) -> None:
        while line := self._line():
            name, _, value = line.partition(":")
            self.seen[name.strip().lower()] = value.strip()

    def _shown_headers(self, server: Server) -> dict[str, Any]:
        seen = {name: server.veil(value) for name, value in self.seen.items()}
        lacks = [name for name in STANDARD if name not in seen]
        shown = {name: value for name, value in seen.items() if STANDARD.get(name) != value}
        return {"headers": dict(sorted(shown.items())), **({"lacks": lacks} if lacks else {})}

    def _body(self, server: Server, show: Show | None) -> dict[str, Any]:
        length = self.seen.get("content-length")
        data = self._exactly(int(length)) if length is not None else self._rest()
        if length is not None and len(data) == int(length):
            del self.seen["content-length"]  # it is right; how long volatile texts are does not matter
        text = _text(data, server)
        try:
            return {"body": show(_json(text)) if show else text}
        except (KeyError, TypeError):  # another answer than was looked for
            return {"body": text}

    def _chunks(self) -> list[bytes]:
        found = []
        while True:
            line = self._line()
            if not re.fullmatch("[0-9a-fA-F]+", line):
                return [*found, b"<torn>"]
            size = int(line, 16)
            data = self._exactly(size)
            self._exactly(2)
            if not size:
                return found
            found.append(data)

    def _line(self) -> str:
        while b"\r\n" not in self.buffer:
            if not self._more():
                return ""
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        while len(self.buffer) < size and self._more():
            pass
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _rest(self) -> bytes:
        while self._more():
            pass
        return self.buffer

    def _more(self) -> bool:
        try:
            data = self.connection.recv(2**16)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)


def _text(data: bytes, server: Server) -> str:
    try:
        return server.veil(data.decode())
    except UnicodeDecodeError:
        return f"hex:{data.hex()}"


def _json(text: str) -> Any:
    """A body for ``show``: its JSON, or the text itself where it is none. Veils in it are strings."""
    try:
        return json.loads(re.sub(r": (<\w+>)", r': "\1"', text))
    except ValueError:
        return text
