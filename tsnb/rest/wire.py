"""An answer as the bytes of HTTP/1.1: status line, headers, chunks.

Headers may come from a model's handler, so whatever could break the framing
is taken out here: line breaks, and the names that belong to this server.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Final

from tsnb.messages import Reply
from tsnb.rest.routes import NO_CACHE, OURS, Response

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
BODILESS: Final = frozenset({204, 304})
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "upgrade", "trailer"})
_PHRASES = {int(status): status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",  # three that later versions of Python name otherwise
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
_CLASSES = {2: "Success", 3: "Redirection", 4: "Client Error", 5: "Server Error"}
_BREAKS = str.maketrans("", "", "\r\n\0")


@lru_cache(maxsize=256)
def status_line(status: int, reason: str | None) -> str:
    """``HTTP/1.1 200 OK`` with its line end; a status that nobody knows is told as TorchServe does."""
    phrase = _phrase(status) if reason is None else reason.translate(_BREAKS)
    return f"HTTP/1.1 {status:03d} {phrase}\r\n"


def _phrase(status: int) -> str:
    return _PHRASES.get(status) or f"{_CLASSES.get(status // 100, 'Unknown Status')} ({status})"


@lru_cache(maxsize=1024)
def _prefix(name: str) -> str:
    """``name: ``, or nothing for a header that only this server may write."""
    clean = "".join(char for char in name if char.isascii() and (char.isalnum() or char in "!#$%&'*+-.^_`|~"))
    return "" if not clean or clean.lower() in _FRAMING else f"{clean}: "


def line(name: str, value: str) -> str:
    """A header line of a setting, whatever is in it."""
    return f"{name}: {value}".translate(_BREAKS) + "\r\n"


def _lines(headers: dict[str, str]) -> str:
    lines = [f"{prefix}{value}\r\n" for name, value in headers.items() if (prefix := _prefix(name))]
    text = "".join(lines)
    if text.count("\n") == text.count("\r") == len(lines) and "\0" not in text:
        return text
    return "".join(f"{each.translate(_BREAKS)}\r\n" for each in lines)


@lru_cache(maxsize=128)
def _start(status: int, reason: str | None, headers: tuple[tuple[str, str], ...], stamped: bool) -> str:
    """Status line and headers up to the request's id: the same for most answers of a model."""
    ours = {name: value for name, value in headers if not stamped or name.lower() not in OURS}
    return f"{status_line(status, reason)}{_lines({**ours, **NO_CACHE} if stamped else ours)}"


def head(
    response: Response, *, keep_alive: bool, chunked: bool = False, to_head: bool = False, extra: str = ""
) -> bytes:
    """Everything up to the body. ``extra`` is put in as it stands; ``to_head``: the request was a HEAD."""
    if chunked:
        framing = "transfer-encoding: chunked\r\n"
    elif response.chunks is not None or response.status in BODILESS:
        framing = ""
    else:
        framing = f"content-length: {_length(response, to_head)}\r\n"
    request_id = response.request_id
    start = _start(response.status, response.reason, tuple(response.headers.items()), bool(request_id))
    stamp = f"x-request-id: {request_id}\r\n" if request_id else ""
    connection = "keep-alive" if keep_alive else "close"
    return f"{start}{stamp}{extra}{framing}connection: {connection}\r\n\r\n".encode("latin-1", "replace")


@lru_cache(maxsize=256)
def _around(status: int, reason: str | None, headers: tuple[tuple[str, str], ...], keep_alive: bool) -> tuple[str, str]:
    """What stands before the request's id and after the body's length: the same for most answers of a model."""
    connection = "keep-alive" if keep_alive else "close"
    return f"{_start(status, reason, headers, True)}x-request-id: ", f"\r\nconnection: {connection}\r\n\r\n"


_FEW: Final = 64
_plain: dict[tuple[int, str | None, bool], tuple[str, str]] = {}
"""The same for answers without headers of their own: most of them."""


def whole(response: Response, keep_alive: bool, extra: str = "") -> bytes:
    """An answer with its body, in one piece: what :func:`head` makes of most answers, in a third of the time."""
    body = response.body
    headers = response.headers
    around = None if headers else _plain.get((response.status, response.reason, keep_alive))
    if around is None:
        around = _around(response.status, response.reason, tuple(headers.items()), keep_alive)
        if not headers and len(_plain) < _FEW:
            _plain[response.status, response.reason, keep_alive] = around
    before, after = around
    text = f"{before}{response.request_id}\r\n{extra}content-length: {len(body)}{after}"
    return text.encode("latin-1", "replace") + body


_OK_BEFORE, _OK_AFTER = _around(200, "", (), True)
PIECE: Final = 64 * 2**10
"""Bytes from which a body is not copied to stand behind its head."""


def plain(reply: Reply, request_id: str, extra: str) -> bytes | None:
    """What :func:`whole` makes of a handler's answer on a connection that stays, where it says nothing but its body."""
    body = reply.body
    if reply.status != 200 or reply.reason or reply.headers or len(body) >= PIECE:
        return None
    return f"{_OK_BEFORE}{request_id}\r\n{extra}content-length: {len(body)}{_OK_AFTER}".encode("latin-1") + body


def around(extra: str) -> tuple[bytes, bytes, bytes]:
    """What stands before the id of such an answer, between it and the body's length, and between that and the body."""
    parts = _OK_BEFORE, f"\r\n{extra}content-length: ", _OK_AFTER
    before, middle, after = [part.encode("latin-1", "replace") for part in parts]
    return before, middle, after


def _length(response: Response, to_head: bool) -> int:
    """The length of the body; an answer to HEAD says in a header how long it would have been."""
    told = response.headers.get("content-length", "") if to_head else ""
    return int(told) if told.isdecimal() else len(response.body)


def chunk(data: bytes) -> bytes:
    """One chunk; ``data`` must not be empty, for that would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
