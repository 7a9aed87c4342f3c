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

import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from tsnb.messages import Failure, MetricSample, Parameter, Reply, Request

MAGIC = 0x54
VERSION = 1
HEADER = struct.Struct("<BBHIQ")
MAX_HEAD = 64 * 2**20
"""A head longer than this (64 MiB) is taken for garbage on the line."""

SMALL = 64 * 2**10
"""Bodies of up to so many bytes together are copied into one buffer with their head: cheaper than many small ones."""

Buffer: TypeAlias = bytes | bytearray | memoryview


class ProtocolError(Exception):
    """The peer sent something that is no frame, or closed in the middle of one."""


# --- messages from the server to a worker ---------------------------------------------------------


class Load(Struct, frozen=True, array_like=True, tag="load"):
    """Load this model; answered by :class:`Ready` or :class:`Failed`. Sent once."""

    model_name: str
    model_version: str
    model_dir: str
    handler: str
    manifest: dict[str, Any]
    model_config: dict[Any, Any]
    worker_id: str
    gpu_id: int | None = None
    batch_size: int = 1
    service_envelope: str = ""
    decode_input_request: bool = True
    limit_max_image_pixels: bool = True
    concurrent: bool = False
    metrics: tuple[tuple[str, str, str, tuple[str, ...]], ...] = ()
    """Name, unit, kind and dimension names of each metric that handlers find made already."""
    arena: str = ""
    """The file of the shared memory for large bodies."""


class Item(Struct, frozen=True, array_like=True):
    """One request of a batch; ``parameters`` are ``(name, content type, body size)``.

    ``headers`` is a position in the batch's headers: clients repeat theirs, and so they travel once.
    """

    id: str
    headers: int
    parameters: tuple[tuple[str, str, int], ...]


class Batch(Struct, frozen=True, array_like=True, tag="batch"):
    """Run these requests; answered by one :class:`Result` or :class:`Failed` of the same number.

    ``placed`` are ``(position, offset)`` of the bodies that are not in the frame but in shared memory.
    """

    number: int
    headers: tuple[dict[str, str], ...]
    items: tuple[Item, ...]
    placed: tuple[tuple[int, int], ...] = ()


class Cancel(Struct, frozen=True, array_like=True, tag="cancel"):
    """Nobody waits for this batch any more; it is answered nevertheless. Sent to concurrent workers only."""

    number: int


class Stop(Struct, frozen=True, array_like=True, tag="stop"):
    """Finish what you hold and exit."""


# --- messages from a worker to the server ---------------------------------------------------------


class Ready(Struct, frozen=True, array_like=True, tag="ready"):
    """The model is loaded. ``notes`` say how, where the owner should know (a fallback, a warning)."""

    pid: int
    device: str
    seconds: float
    notes: tuple[str, ...] = ()
    metrics: tuple[MetricSample, ...] = ()
    sees_arena: bool = False
    """Whether bodies may lie in the shared memory that the order named."""


class Answer(Struct, frozen=True, array_like=True):
    """One answer of a batch; ``size`` is the length of its body."""

    status: int
    reason: str
    headers: dict[str, str]
    size: int


class Result(Struct, frozen=True, array_like=True, tag="result"):
    """The answers of a batch, in the order of its items.

    ``more`` marks a part of a stream: other results of the same number follow.
    """

    number: int
    answers: tuple[Answer, ...]
    timings: dict[str, float] = {}
    metrics: tuple[MetricSample, ...] = ()
    more: bool = False


class Failed(Struct, frozen=True, array_like=True, tag="failed"):
    """A batch (or, with ``number`` None, the loading) failed.

    ``status`` and ``message`` are for the client, ``failure`` for the owner.
    """

    number: int | None
    status: int
    message: str
    failure: Failure
    metrics: tuple[MetricSample, ...] = ()


Message: TypeAlias = Load | Batch | Cancel | Stop | Ready | Result | Failed

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message, bodies: Sequence[Buffer] = ()) -> list[Buffer]:
    """The frame of a message as a list of buffers, ready for a gathering write."""
    head = _encoder.encode(message)
    size = sum(map(len, bodies))
    frame: list[Buffer] = [HEADER.pack(MAGIC, VERSION, min(len(bodies), 0xFFFF), len(head), size), head, *bodies]
    return [b"".join(frame)] if size <= SMALL else frame


def _lengths(header: Buffer) -> tuple[int, int]:
    magic, version, _, head, bodies = HEADER.unpack_from(header)
    if magic != MAGIC or version != VERSION or head > MAX_HEAD:
        raise ProtocolError(f"not a tsnb frame: {bytes(header[: HEADER.size]).hex()}")
    return head, bodies


def _decode_head(head: Buffer) -> Message:
    try:
        return _decoder.decode(head)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"a frame with an unreadable head: {error}") from error


def _cut(frame: Buffer, head: int) -> tuple[Message, memoryview]:
    """The message of a whole frame with so long a head, and its bodies in one piece."""
    view = memoryview(frame)
    return _decode_head(view[HEADER.size : HEADER.size + head]), view[HEADER.size + head :]


class Reader:
    """Bytes in, messages out, for a side that is fed by an event loop.

    :meth:`feed` yields ``(message, bodies)``; bodies are one buffer, to be cut
    with :func:`replies` or :func:`requests`.
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
            yield _cut(frame, _lengths(frame)[0])
        if self._ahead:
            data, self._ahead = self._ahead + data, b""
        start, size = 0, len(data)
        while size - start >= HEADER.size:
            head, bodies = self._accepted(data[start : start + HEADER.size] if start else data)
            middle = start + HEADER.size + head
            if size < middle + bodies:
                self._begin(data, start, middle + bodies - start)
                return
            yield _decode_head(data[start + HEADER.size : middle]), data[middle : middle + bodies]
            start = middle + bodies
        self._ahead = data[start:]

    def _accepted(self, header: bytes) -> tuple[int, int]:
        head, bodies = _lengths(header)
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


AHEAD = 64 * 2**10
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
        head, bodies = _lengths(data)
        end = HEADER.size + head + bodies
        if len(data) < end:
            data = self._whole(data, end)
        self._ahead = bytes(data[end:])
        return _cut(data if len(data) == end else data[:end], head)

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


# --- requests and replies as heads and bodies ------------------------------------------------------


PLACED = 256 * 2**10
"""Bytes from which a body is better placed in shared memory: over the socket it would be copied twice, in portions."""


def batch(
    number: int, requests: Iterable[Request], place: Callable[[Buffer], int | None] | None = None
) -> tuple[Batch, list[Buffer]]:
    """A batch of requests as a message and its bodies. ``place`` puts a large one elsewhere and says where."""
    bodies: list[Buffer] = []
    items = []
    placed: list[tuple[int, int]] = []
    headers: dict[int, int] = {}
    tables: list[dict[str, str]] = []
    for request in requests:
        table = headers.get(id(request.headers))
        if table is None:
            table = headers[id(request.headers)] = len(tables)
            tables.append(request.headers)
        sizes = []
        for parameter in request.parameters:
            size = len(parameter.value)
            offset = place(parameter.value) if place is not None and size >= PLACED else None
            if offset is None:
                bodies.append(parameter.value)
            else:
                placed.append((len(bodies) + len(placed), offset))
            sizes.append((parameter.name, parameter.content_type, size))
        items.append(Item(request.id, table, tuple(sizes)))
    return Batch(number, tuple(tables), tuple(items), tuple(placed)), bodies


def requests(message: Batch, bodies: Buffer, arena: memoryview | None = None) -> list[Request]:
    """The requests of a batch; parameter values are views into ``bodies`` or ``arena``, not copies."""
    view = memoryview(bodies)
    elsewhere = dict(message.placed)
    found = []
    start = position = 0
    for item in message.items:
        parameters = []
        for name, content_type, size in item.parameters:
            if elsewhere and position in elsewhere and arena is not None:
                offset = elsewhere[position]
                value = arena[offset : offset + size]
            else:
                value = view[start : start + size]
                start += size
            position += 1
            parameters.append(Parameter(name, value, content_type))  # type: ignore[arg-type]
        found.append(Request(item.id, message.headers[item.headers], tuple(parameters)))
    return found


def result(
    number: int,
    replies: Iterable[Reply],
    *,
    timings: dict[str, float] | None = None,
    metrics: tuple[MetricSample, ...] = (),
    more: bool = False,
) -> tuple[Result, list[Buffer]]:
    """Replies as a message and its bodies."""
    found = list(replies)
    answers = tuple(Answer(r.status, r.reason, r.headers, len(r.body)) for r in found)
    return Result(number, answers, timings or {}, metrics, more), [r.body for r in found]


def replies(message: Result, bodies: Buffer) -> list[Reply]:
    """The replies of a result, each with its own bytes."""
    found = []
    start = 0
    for answer in message.answers:
        body = bytes(bodies[start : start + answer.size])
        start += answer.size
        found.append(Reply(body, answer.status, answer.reason, answer.headers, message.timings, message.more))
    return found


# --- lines that a worker writes -------------------------------------------------------------------
#
# Each line that a handler prints or logs travels on the pipe of its stream with a mark before it: the
# level and the ids of the requests that were running. A line without one (from C code, a subprocess) is
# taken as it is.

LINE_MARK = "\x1e"
_MARKED = re.compile("\x1e([A-Z]+)\x1e([^\x1e]*)\x1e")
MAX_LINE_IDS = 32
"""Requests that one line names at most."""


def line_mark(level: str, ids: Sequence[str]) -> str:
    """What stands before a line of this level that was written while these requests ran."""
    return f"{LINE_MARK}{level}{LINE_MARK}{chr(31).join(ids[:MAX_LINE_IDS])}{LINE_MARK}"


def read_line(line: str) -> tuple[str, tuple[str, ...], str]:
    """A line's level (``""`` if unknown), the ids of its requests, and its text."""
    if LINE_MARK not in line:
        return "", (), line
    found = _MARKED.search(line)
    level, ids = (found[1], tuple(found[2].split(chr(31)))) if found else ("", ("",))
    return level, ids if ids != ("",) else (), _MARKED.sub("", line)


# --- the nursery's control channel -----------------------------------------------------------------
#
# A SOCK_SEQPACKET socket pair between the server and the nursery: one packet, one message. A Fork
# packet carries three file descriptors: the worker's end of its frame socket, and the write ends of
# the pipes that become its stdout and stderr.


class Fork(Struct, frozen=True, array_like=True, tag="fork"):
    """Server → nursery: fork a worker with this environment and working directory."""

    worker_id: str
    env: dict[str, str]
    cwd: str


class Kill(Struct, frozen=True, array_like=True, tag="kill"):
    """Server → nursery: send a signal to a worker, if it has not been reaped yet."""

    pid: int
    signal: int


class Born(Struct, frozen=True, array_like=True, tag="born"):
    """Nursery → server: everything is imported, forks are instant from now on."""

    pid: int


class Forked(Struct, frozen=True, array_like=True, tag="forked"):
    """Nursery → server: the worker runs under this process id."""

    worker_id: str
    pid: int


class Exited(Struct, frozen=True, array_like=True, tag="exited"):
    """Nursery → server: a worker ended; ``code`` is negative for a signal, as in subprocess."""

    pid: int
    code: int


Control: TypeAlias = Fork | Kill | Born | Forked | Exited

MAX_CONTROL = 256 * 1024
"""A control packet is never longer (an environment can be long)."""

_control_decoder: msgspec.msgpack.Decoder[Control] = msgspec.msgpack.Decoder(Control)


def encode_control(message: Control) -> bytes:
    """A control message as one packet."""
    return _encoder.encode(message)


def decode_control(packet: Buffer) -> Control:
    """One packet as a control message."""
    return _control_decoder.decode(packet)
