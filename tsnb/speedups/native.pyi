"""What is compiled from ``native.pyx``: each name is described there, and does what its like in ``plain.py`` does."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tsnb.messages import Buffer, Reply, Request

class ServiceBase:
    open: bool
    recording: bool
    around: tuple[bytes, bytes, bytes]
    """What stands around the id and the length of an answer (:func:`tsnb.rest.wire.around`)."""
    count_response: Callable[..., None]

class IntakeBase:
    jobs: list[Any]
    counted: Any
    withdraw: Callable[[Any], None] | None

class Express: ...

class JobBase:
    request: Request
    done: Callable[[Any], None]
    created: float
    counted: Any
    withdraw: Callable[[Any], None] | None
    met: float
    taken: float
    batch: int
    settled: bool
    parts: Any
    reply: Reply | None
    error: Exception | None
    def __init__(
        self,
        request: Request,
        done: Callable[[Any], None],
        created: float,
        counted: Any = None,
        withdraw: Callable[[Any], None] | None = None,
        met: float = 0.0,
        taken: float = 0.0,
    ) -> None: ...

class ConnectionBase(asyncio.Protocol):
    at_rest: Any
    straight: bool
    moved: bool
    waiting: Any
    lane: Any
    request_id: str
    begun: float
    abandon: Callable[[], None] | None
    def prepare(self, service: Any, heads: Any) -> None: ...
    def connected(self, transport: asyncio.Transport) -> None: ...

def express(intake: Callable[..., Any], headers: dict[str, str], mime: str) -> Express | None: ...
def together(jobs: Sequence[JobBase]) -> bool: ...
def mark(jobs: Sequence[JobBase], idle_since: float, now: float) -> None: ...
def spent(jobs: Sequence[JobBase], now: float) -> tuple[float, float, float, float, int, Any]: ...
def frame(number: int, jobs: Sequence[JobBase]) -> bytes | None: ...
def given(jobs: Sequence[JobBase], sizes: tuple[int, ...], bodies: Buffer, timings: dict[str, float]) -> bool: ...
def tell(jobs: Sequence[JobBase]) -> None: ...
