"""Heads of requests that were read before: who predicts again and again sends the same bytes each time.

Only what the strict parser took whole is kept, byte for byte, so nothing is
read in a laxer way; a head that differs in one byte goes through the parser.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

from tsnb.rest.routes import Lane, Request

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
    text: bytes = b""
    """The head as it was sent, where it is kept (:meth:`Heads.keep`)."""
    length: int = -1
    """Bytes of a whole request with this head, the body included; -1 where it is not kept."""
    asked: Request | None = None
    """A request with this head and no body: what a guard is shown."""
    lane: Lane | None = None
    """The fast way for requests with this head, once ``asked`` was put together."""


class Incoming(Struct):
    """One complete request, as the client wrote it. A large body may be a ``bytearray`` that nobody else has."""

    head: Head
    body: bytes


NONE: Final = Head("", "", {}, {}, True, True)
"""The head of no request."""


class Heads:
    """The heads that one listener has seen lately."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        #: The one that was found last: the next is often the same.
        self._latest = NONE

    def find(self, data: bytes) -> Head | None:
        """The head of the request that these bytes are, if they are exactly one and its head is known."""
        head: Head | None = self._latest
        assert head is not None  # noqa: S101  (narrows the type)
        if len(data) != head.length or not data.startswith(head.text):
            head = self._known.get(data[: data.find(_END, 0, LONGEST) + 4])
            if head is None or len(data) != head.length:
                return None
            self._latest = head
        return head

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
        head.text, head.length = data[:end], len(data)
        self._known[head.text] = head
