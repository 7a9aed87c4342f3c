"""Requests and replies as the heads and bodies of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tsnb.messages import Buffer, MetricSample, Parameter, Reply, Request
from tsnb.protocol.orders import Answer, Batch, Item, Result

PLACED: Final = 256 * 2**10
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
