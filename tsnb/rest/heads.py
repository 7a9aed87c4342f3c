"""Heads of requests that were read before: who predicts again and again sends the same bytes each time.

Only what the strict parser took whole is kept, byte for byte, so nothing is
read in a laxer way; a head that differs in one byte goes through the parser.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

CAPACITY: Final = 512
"""Heads that are kept; the oldest goes first."""
LONGEST: Final = 4096
"""Bytes of the longest head that is kept."""
_PARSED_ALWAYS: Final = frozenset({"transfer-encoding", "expect", "upgrade"})
_END: Final = b"\r\n\r\n"


class Head(Struct):
    """Request line and headers. ``chunks``: the client understands a chunked answer.

    ``names`` maps lower case to the client's spelling. ``memo`` holds what the
    service and its endpoints found out from the head alone, so that they need
    not find it out again; whatever is in it is never changed.
    """

    method: str
    target: str
    headers: dict[str, str]
    names: dict[str, str]
    keep_alive: bool
    chunks: bool
    memo: dict[str, Any] = field(default_factory=dict)


class Incoming(Struct):
    """One complete request, as the client wrote it. A large body may be a ``bytearray`` that nobody else has."""

    head: Head
    body: bytes


class Heads:
    """The heads that one listener has seen lately."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Head, int]] = {}
        #: The one that was found last, with its bytes and the length of its body: the next is often the same.
        self._latest: tuple[bytes, Head, int] = (b"", Head("", "", {}, {}, True, True), -1)

    def find(self, data: bytes) -> Incoming | None:
        """The request that these bytes are, if they are exactly one and its head is known."""
        text, head, size = self._latest
        end = len(text)
        if len(data) != end + size or not data.startswith(text):
            end = data.find(_END, 0, LONGEST) + 4
            text = data[:end]
            known = self._known.get(text)
            if known is None or len(data) - end != known[1]:
                return None
            head, size = known
            self._latest = text, head, size
        return Incoming(head, data[end:])

    def keep(self, data: bytes, incoming: Incoming) -> None:
        """Remember the head of the request that the parser made of just these bytes."""
        head, length = incoming.head, len(incoming.body)
        end = len(data) - length
        if end > LONGEST or data.find(_END, 0, LONGEST) + 4 != end:
            return
        if not head.keep_alive or not _PARSED_ALWAYS.isdisjoint(head.names):
            return
        if len(self._known) >= CAPACITY:
            del self._known[next(iter(self._known))]
        self._known[data[:end]] = head, length
