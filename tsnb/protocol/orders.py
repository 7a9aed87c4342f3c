"""What a server and a worker say to each other: the heads of frames, msgpack arrays whose first item is a tag."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from tsnb.messages import Failure, MetricSample

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


class Batch(Struct, frozen=True, array_like=True, tag="batch"):
    """Run these requests; answered by one :class:`Result` or :class:`Failed` of the same number.

    Clients repeat themselves, and so most travels once: ``headers`` are those that differ, ``kinds`` name and content
    type of the parameters of requests that differ in them. ``headers_of`` and ``kinds_of`` are each request's
    position in these, and empty where all have the first. ``sizes`` are those of all bodies, request by request;
    ``placed`` are ``(position, offset)`` of the bodies that are not in the frame but in shared memory.
    """

    number: int
    ids: tuple[str, ...]
    sizes: tuple[int, ...]
    headers: tuple[dict[str, str], ...]
    kinds: tuple[tuple[tuple[str, str], ...], ...]
    headers_of: tuple[int, ...] = ()
    kinds_of: tuple[int, ...] = ()
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


class Answered(Struct, frozen=True, array_like=True):
    """What an answer has beside its body."""

    status: int
    reason: str
    headers: dict[str, str]


class Result(Struct, frozen=True, array_like=True, tag="result"):
    """The answers of a batch, in the order of its items: the sizes of their bodies, and the rest.

    ``heads`` are told once where one answer after the other has the same; ``which`` is the position of each answer's,
    and empty where all have the first. ``more`` marks a part of a stream: other results of the same number follow.
    """

    number: int
    sizes: tuple[int, ...]
    heads: tuple[Answered, ...]
    which: tuple[int, ...] = ()
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
