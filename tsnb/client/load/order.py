"""What the generator is told, and what it says: JSON lines on its standard input and output. Times in seconds."""

from __future__ import annotations

from msgspec import Struct

MOST_CONNECTIONS = 4096
MOST_SECONDS = 600.0
MOST_RATE = 200_000.0
"""Bounds of one stage; whoever wants more means another kind of tool."""

SPARE_CONNECTIONS = 128
"""Connections that an open loop may open where nobody says how many."""


class Stage(Struct, frozen=True):
    """One measurement: so many connections that each ask again when they have their answer (a closed loop).

    With ``rate`` requests fall due at that many per second whatever the server does (an open loop);
    ``connections`` is then how many may be open at once.
    """

    connections: int
    seconds: float
    rate: float = 0.0
    warmup: float = 0.5


class Order(Struct, frozen=True):
    """One request, to be sent again and again. ``head`` are its headers, the token among them."""

    url: str
    head: dict[str, str]
    body: bytes
    stages: tuple[Stage, ...]
    method: str = "POST"
    timeout: float = 30.0
    """Longest wait for one answer."""


class Tick(Struct, frozen=True, tag=True, omit_defaults=True):
    """News from the middle of a stage: what was answered since the last one. ``at`` counts from the stage's begin."""

    stage: int
    at: float
    requests: int = 0
    errors: int = 0
    throughput: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    warming: bool = False


class Step(Struct, frozen=True, tag=True, omit_defaults=True):
    """One stage, measured.

    ``requests`` were answered well within ``seconds``, ``errors`` were not; the
    latencies are those of requests that fell due in that time and were answered
    well. In an open loop they count from the moment a request was due, so that
    a server that stalls is not spared, and ``unsent`` requests, for which no
    connection became free, count with the time they had waited. ``busy`` is the
    share of one core the generator itself took, ``lag`` the longest time it was
    late on its own.
    """

    stage: int
    connections: int
    rate: float
    seconds: float
    requests: int = 0
    errors: int = 0
    throughput: float = 0.0
    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    longest: float = 0.0
    unsent: int = 0
    statuses: dict[str, int] = {}
    problems: dict[str, int] = {}
    """What went wrong, in words → how often."""
    received: int = 0
    """Bytes of answers, headers included."""
    busy: float = 0.0
    lag: float = 0.0
    stopped: bool = False
    bins: tuple[tuple[float, int], ...] = ()
    """Upper bound of a latency → how many requests were at or below it and above the one before."""
