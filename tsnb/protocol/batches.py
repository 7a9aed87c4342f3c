"""Requests and replies as the heads and bodies of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from tsnb.messages import Buffer, MetricSample, Reply, Request
from tsnb.protocol.frames import ProtocolError
from tsnb.protocol.orders import Answered, Batch, Result

PLAIN: Final = Answered(200, "", {})
"""What an answer has beside its body if the handler set nothing."""

PLACED: Final = 256 * 2**10
"""Bytes from which a body is better placed in shared memory: over the socket it would be copied twice, in portions."""


def batch(
    number: int, requests: Sequence[Request], place: Callable[[Buffer], int | None] | None = None
) -> tuple[Batch, list[Buffer]]:
    """A batch of requests as a message and its bodies. ``place`` puts a large one elsewhere and says where."""
    ids = tuple([request.id for request in requests])
    bodies: list[Buffer] = [parameter.value for request in requests for parameter in request.parameters]
    sizes = tuple(map(len, bodies))
    headers, headers_of = _headers(requests)
    kinds, kinds_of = _kinds(requests)
    placed: tuple[tuple[int, int], ...] = ()
    if place is not None and max(sizes, default=0) >= PLACED:
        placed, bodies = _placed(bodies, place)
    return Batch(number, ids, sizes, headers, kinds, headers_of, kinds_of, placed), bodies


def _headers(requests: Sequence[Request]) -> tuple[tuple[dict[str, str], ...], tuple[int, ...]]:
    """The headers that are not the same object, and which of them each request has."""
    first = requests[0].headers
    for request in requests:
        if request.headers is not first:
            break
    else:
        return (first,), ()
    different = {id(request.headers): request.headers for request in requests}
    position = {each: at for at, each in enumerate(different)}
    return tuple(different.values()), tuple([position[id(request.headers)] for request in requests])


Kinds: TypeAlias = tuple[tuple[str, str], ...]
"""Name and content type of each parameter of a request."""


def _kinds(requests: Sequence[Request]) -> tuple[tuple[Kinds, ...], tuple[int, ...]]:
    """The different kinds of parameters, and which of them each request has."""
    first = requests[0].parameters
    if len(first) == 1:
        name, content_type = first[0].name, first[0].content_type
        for request in requests:
            found = request.parameters
            if len(found) != 1 or found[0].content_type != content_type or found[0].name != name:
                break
        else:
            return (((name, content_type),),), ()
    of_each = [tuple([(each.name, each.content_type) for each in request.parameters]) for request in requests]
    position = {kinds: at for at, kinds in enumerate(dict.fromkeys(of_each))}
    return tuple(position), tuple([position[kinds] for kinds in of_each]) if len(position) > 1 else ()


def _placed(
    bodies: list[Buffer], place: Callable[[Buffer], int | None]
) -> tuple[tuple[tuple[int, int], ...], list[Buffer]]:
    """Where the large bodies were put, and those that stay."""
    placed, staying = [], []
    for position, body in enumerate(bodies):
        offset = place(body) if len(body) >= PLACED else None
        if offset is None:
            staying.append(body)
        else:
            placed.append((position, offset))
    return tuple(placed), staying


def values(message: Batch, bodies: Buffer, arena: memoryview | None = None) -> list[memoryview]:
    """The values of all parameters of a batch, request by request: views into ``bodies`` or ``arena``, not copies."""
    view = memoryview(bodies)
    elsewhere = dict(message.placed) if arena is not None else {}
    found = []
    start = 0
    for position, size in enumerate(message.sizes):
        if elsewhere and arena is not None and position in elsewhere:
            offset = elsewhere[position]
            found.append(arena[offset : offset + size])
        else:
            found.append(view[start : start + size])
            start += size
    return found


def kinds(message: Batch, position: int) -> Kinds:
    """Name and content type of each parameter of a request."""
    return message.kinds[message.kinds_of[position] if message.kinds_of else 0]


def headers(message: Batch, position: int) -> dict[str, str]:
    """The headers of a request."""
    return message.headers[message.headers_of[position] if message.headers_of else 0]


def result(
    number: int,
    bodies: Sequence[Buffer],
    each: Sequence[Answered] = (),
    *,
    timings: dict[str, float] | None = None,
    metrics: tuple[MetricSample, ...] = (),
    more: bool = False,
) -> Result:
    """The answers with these bodies; ``each`` is what they have beside these, and is empty where that is nothing."""
    heads, which = _heads(each) if each else ((PLAIN,), ())
    return Result(number, tuple(map(len, bodies)), heads, which, timings or {}, metrics, more)


def _heads(each: Sequence[Answered]) -> tuple[tuple[Answered, ...], tuple[int, ...]]:
    """What the answers have beside their bodies, and which of it each has."""
    heads: list[Answered] = []
    which = []
    for head in each:
        if not heads or head != heads[-1]:
            heads.append(head)
        which.append(len(heads) - 1)
    return tuple(heads), tuple(which) if len(heads) > 1 else ()


def bare(message: Result) -> bool:
    """Whether all answers are bodies and nothing else."""
    heads = message.heads
    return len(heads) == 1 and heads[0] == PLAIN and not message.which


def replies(message: Result, bodies: Buffer) -> list[Reply]:
    """The replies of a result, each with its own bytes. Raises :class:`ProtocolError` where its parts do not fit."""
    sizes, heads, timings, more = message.sizes, message.heads, message.timings, message.more
    each = [heads[at] for at in message.which if at < len(heads)] if message.which else heads[:1] * len(sizes)
    if len(each) != len(sizes):
        raise ProtocolError(f"{len(sizes)} answers, of which {len(each)} have a status")
    copied = type(bodies) is bytes
    found = []
    start = 0
    for size, head in zip(sizes, each, strict=True):
        end = start + size
        body = bodies[start:end] if copied else bytes(bodies[start:end])
        start = end
        found.append(Reply(body, head.status, head.reason, head.headers, timings, more))  # type: ignore[arg-type]
    return found
