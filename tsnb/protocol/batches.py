"""Requests and replies as the heads and bodies of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tsnb.messages import Buffer, MetricSample, Parameter, Reply, Request
from tsnb.protocol.frames import ProtocolError
from tsnb.protocol.orders import Answered, Batch, Item, Result

PLACED: Final = 256 * 2**10
"""Bytes from which a body is better placed in shared memory: over the socket it would be copied twice, in portions."""


def batch(
    number: int, requests: Iterable[Request], place: Callable[[Buffer], int | None] | None = None
) -> tuple[Batch, list[Buffer]]:
    """A batch of requests as a message and its bodies. ``place`` puts a large one elsewhere and says where."""
    bodies: list[Buffer] = []
    items = []
    placed: list[tuple[int, int]] = []
    known: dict[int, int] = {}
    tables: list[dict[str, str]] = []
    headers, table = None, 0
    for request in requests:
        if request.headers is not headers:
            headers = request.headers
            table = known.setdefault(id(headers), len(tables))
            if table == len(tables):
                tables.append(headers)
        sizes = []
        for parameter in request.parameters:
            value = parameter.value
            size = len(value)
            offset = place(value) if size >= PLACED and place is not None else None
            if offset is None:
                bodies.append(value)
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
    heads, which = _heads(found)
    bodies: list[Buffer] = [reply.body for reply in found]
    return Result(number, tuple(map(len, bodies)), heads, which, timings or {}, metrics, more), bodies


def _heads(replies: list[Reply]) -> tuple[tuple[Answered, ...], tuple[int, ...]]:
    """What the replies have beside their bodies, and which of it each has."""
    heads: list[Answered] = []
    which = []
    for reply in replies:
        last = heads[-1] if heads else None
        if last is None or (reply.status, reply.reason, reply.headers) != (last.status, last.reason, last.headers):
            heads.append(Answered(reply.status, reply.reason, reply.headers))
        which.append(len(heads) - 1)
    return tuple(heads), tuple(which) if len(heads) > 1 else ()


def replies(message: Result, bodies: Buffer) -> list[Reply]:
    """The replies of a result, each with its own bytes. Raises :class:`ProtocolError` where its parts do not fit."""
    sizes, heads, timings, more = message.sizes, message.heads, message.timings, message.more
    each = [heads[at] for at in message.which if at < len(heads)] if message.which else heads[:1] * len(sizes)
    if len(each) != len(sizes):
        raise ProtocolError(f"{len(sizes)} answers, of which {len(each)} have a status")
    found = []
    start = 0
    for size, head in zip(sizes, each, strict=True):
        body = bytes(bodies[start : start + size])
        start += size
        found.append(Reply(body, head.status, head.reason, head.headers, timings, more))
    return found
