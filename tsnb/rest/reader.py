"""Bytes of one connection → whole requests in order, or a reason to refuse.

The grammar is llhttp's in its strict mode: it refuses two lengths, a length
beside ``Transfer-Encoding``, folded header lines, bare line feeds, NUL and bad
chunk sizes. What it lets through and this server must not is refused here.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import Final, NoReturn, TypeAlias, cast

import httptools
from msgspec import Struct

from tsnb.rest.heads import Head, Heads, Incoming

MAX_TARGET: Final = 16 * 2**10
"""Longest request target in bytes; 400 above."""
MAX_HEAD: Final = 64 * 2**10
"""Most bytes of a request line and its headers together, trailers included; 431 above."""
MAX_HEADERS: Final = 128
"""Most header lines of one request; 431 above."""

INVALID: Final = "Invalid HTTP message."


class Refusal(Struct, frozen=True):
    """An answer that no endpoint sees. With ``close`` nothing after it is read."""

    status: int
    message: str = ""
    close: bool = True
    method: str = "-"
    target: str = "-"


class Continue(Struct, frozen=True):
    """The client waits for leave to send its body (``Expect: 100-continue``)."""


Item: TypeAlias = Incoming | Refusal | Continue


class Phase(IntEnum):
    """Where in a message the last byte stood."""

    BETWEEN = 0
    HEAD = 1
    BODY = 2


class _StopParsingError(Exception):
    """Raised through the parser once a request is refused."""


class RequestReader:
    """Collects what a parser finds in ``items``; ``closed`` when nothing more will be read.

    ``received`` counts the bytes of the body that is being read.
    """

    def __init__(self, max_body: int, heads: Heads | None = None) -> None:
        self.items: deque[Item] = deque()
        self.phase = Phase.BETWEEN
        self.closed = False
        self.received = 0
        self._max_body = max_body
        self._heads = Heads() if heads is None else heads
        self._parser = httptools.HttpRequestParser(self)
        self._message = 0
        self._unparsed = 0
        self._offered = False
        self._length = 0
        self._body: list[bytes] = []
        self.on_message_begin()
        self.phase = Phase.BETWEEN

    def feed(self, data: bytes) -> None:
        """Take what arrived. Never raises: nonsense ends as a Refusal and ``closed``."""
        if self.phase is not Phase.BETWEEN or self.closed:
            self._parse(data)
            return
        head = self._heads.find(data)
        if head is not None:
            self.items.append(Incoming(head, data[len(head.text) :]))
            return
        found = len(self.items)
        self._parse(data)
        if self.phase is Phase.BETWEEN and len(self.items) == found + 1 and type(self.items[-1]) is Incoming:
            self._heads.keep(data, self.items[-1])

    @property
    def remaining(self) -> int:
        """Bytes of an announced body that are still to come; 0 where the parser must see them."""
        if self.phase is not Phase.BODY or self.closed or self._discard or "upgrade" in self._names:
            return 0
        return self._length - self.received if "transfer-encoding" not in self._names else 0

    def leave_body(self) -> bytearray:
        """Let somebody else receive the rest of the body: room for all of it, filled as far as it has come."""
        body = bytearray(self._length)
        body[: self.received] = b"".join(self._body)
        self._body = []
        return body

    def body_received(self, body: bytearray) -> None:
        """The rest of the body has come."""
        self._end(self._parser.should_keep_alive(), cast("bytes", body))
        self._parser = httptools.HttpRequestParser(self)

    def _parse(self, data: bytes) -> None:
        before, received, message = self.phase, self.received, self._message
        while data and not self.closed:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # An offer (h2c, websocket) that this server does not take up: go on in HTTP/1.1.
                data = data[upgrade.args[0] :]
                if self._offered:
                    self._parse_body()
                continue
            except httptools.HttpParserError:
                if not self.closed:
                    self._note(400, INVALID)
                return
            if before is self.phase is not Phase.BETWEEN and message == self._message:
                self._bound_unparsed(len(data) - (self.received - received))
            return

    def _parse_body(self) -> None:
        """Start the body of a request with an offer; the parser takes all that follows one for another protocol."""
        connection = "keep-alive" if self._parser.should_keep_alive() else "close"
        framing = "".join(f"{self._names[name]}: {self._headers[self._names[name]]}\r\n" for name in self._framing())
        version = "1.1" if self._chunks else "1.0"
        head = f"{self._method} / HTTP/{version}\r\nConnection: {connection}\r\n{framing}\r\n"
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(head.encode("latin-1"))
        self._offered = False
        self._parser = parser

    def _framing(self) -> list[str]:
        return [name for name in ("content-length", "transfer-encoding") if name in self._names]

    def _bound_unparsed(self, size: int) -> None:
        """Refuse a line that goes on and on without reaching a callback: a header, a chunk's extension, a trailer."""
        self._unparsed += size
        if self._unparsed > MAX_HEAD + 8 * self.received:  # one byte in a chunk of its own takes five more
            self._note(431, f"Request header is larger than {MAX_HEAD} bytes.")

    def _note(self, status: int, message: str = "") -> None:
        self.closed = True
        method = self._parser.get_method().decode("latin-1") if self._target else "-"
        self.items.append(Refusal(status, message, method=method, target=self._target.decode("latin-1") or "-"))

    def _refuse(self, status: int, message: str = "") -> NoReturn:
        self._note(status, message)
        raise _StopParsingError

    # --- called by the parser -----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Forget the request before."""
        if self._offered:
            return
        self.phase = Phase.HEAD
        self._message += 1
        self.received = 0
        self._unparsed = 0
        self._head_bytes = 0
        self._lines = 0
        self._target = b""
        self._headers: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._body = []
        self._discard = False
        self._has_body = False
        self._length = 0

    def on_url(self, url: bytes) -> None:
        """The request target, possibly in pieces."""
        if self._offered:
            return
        self._target += url
        if len(self._target) > MAX_TARGET:
            self._refuse(400, f"Request target is longer than {MAX_TARGET} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line. Of repeated ones the last wins, whatever their spelling."""
        self._lines += 1
        self._head_bytes += len(name) + len(value)
        if self._lines > MAX_HEADERS or self._head_bytes > MAX_HEAD:
            self._refuse(431, f"More than {MAX_HEADERS} request headers, or more than {MAX_HEAD} bytes of them.")
        if self.phase is not Phase.HEAD:
            return  # a trailer after a chunked body: nobody may rely on it
        text = name.decode("latin-1")
        lower = text.lower()
        before = self._names.get(lower)
        if before is not None:
            if lower == "host":
                self._refuse(400, INVALID)
            del self._headers[before]
        self._names[lower] = text
        self._headers[text] = value.decode("latin-1").rstrip(" \t")  # blanks before it are gone already

    def on_headers_complete(self) -> None:
        """Decide whether the body may come."""
        if self._offered:
            return
        self.phase = Phase.BODY
        self._method = self._parser.get_method().decode("latin-1")
        version = self._parser.get_http_version()
        self._chunks = version == "1.1"
        if not (self._chunks or version == "1.0") or self._method == "CONNECT":
            self._refuse(400, INVALID)
        names = self._names
        if "transfer-encoding" in names or "content-length" in names or "expect" in names:
            self._check_body()

    def _check_body(self) -> None:
        names, headers = self._names, self._headers
        coding = headers[names["transfer-encoding"]] if "transfer-encoding" in names else ""
        if coding and (coding.lower() != "chunked" or not self._chunks):
            self._refuse(400, INVALID)
        expected = headers[names["expect"]].lower() if "expect" in names and self._chunks else ""
        if expected not in ("", "100-continue"):
            self._refuse(417)
        self._length = int(headers[names["content-length"]]) if "content-length" in names else 0
        self._has_body = bool(self._length or coding)
        if self._length > self._max_body:
            self._too_large(bool(expected))
        elif expected and self._has_body:
            self.items.append(Continue())

    def _too_large(self, expected: bool) -> None:
        if expected:  # whether a body follows now is anybody's guess
            self._refuse(413)
        self._discard = True
        target = self._target.decode("latin-1")
        self.items.append(Refusal(413, close=False, method=self._method, target=target))

    def on_body(self, data: bytes) -> None:
        """Some of the body. Its length was checked already if it was announced."""
        self.received += len(data)
        if self._discard:
            return
        if self.received > self._max_body:
            self._refuse(413)
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        if self._has_body and self._parser.should_upgrade():
            self._offered = True
            return
        body = self._body
        self._end(self._parser.should_keep_alive(), body[0] if len(body) == 1 else b"".join(body))

    def _end(self, keep_alive: bool, body: bytes) -> None:
        self.phase = Phase.BETWEEN
        self.closed = not keep_alive
        if self._discard:
            return
        head = Head(self._method, self._target.decode("latin-1"), self._headers, self._names, keep_alive, self._chunks)
        self.items.append(Incoming(head, body))
