"""A connection with a transport that remembers, and an engine that answers when a test says so."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, cast

from tsnb.config import Config
from tsnb.engine.api import Outcome
from tsnb.engine.intake import Intake
from tsnb.engine.job import Job
from tsnb.messages import Reply, Request
from tsnb.rest import inference as _inference  # noqa: F401  (its routes)
from tsnb.rest.http1 import Connection
from tsnb.rest.routes import Doors, Listener
from tsnb.rest.service import Guard, Service
from tsnb.speedups import given, tell

ASK = b"POST /predictions/m HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n"


class Engine:
    """Keeps what it is asked until :meth:`answer`."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, Callable[[Outcome], None]]] = []
        self.given_up: list[str] = []
        self.counted: list[int] = []

    def intake(self, name: str, version: str | None) -> Callable[..., Callable[[], None]]:
        def take(request: Request, done: Callable[[Outcome], None]) -> Callable[[], None]:
            self.asked.append((request, done))
            return lambda: self.given_up.append(request.id)

        return take

    def submit(self, *_: object, **__: object) -> None:
        raise AssertionError("only timed requests are submitted one by one")

    async def predict(self, name: str, version: str | None, request: Request, *, timed: bool = False) -> Reply:
        return Reply(b"<" + bytes(request.parameters[0].value) + b">")

    def count_response(self, status: int, count: int = 1) -> None:
        self.counted += [status] * count

    def answer(self, outcome: Outcome) -> str:
        """Answer the oldest request; its id."""
        request, done = self.asked.pop(0)
        done(outcome)
        return request.id


class CompiledEngine(Engine):
    """The same with jobs, which go the compiled way where their connection is at rest. Jobs are taken one by one."""

    alone = True

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []
        self._intake: Intake | None = None

    def intake(self, name: str, version: str | None) -> Callable[..., Callable[[], None]]:
        if self._intake is None:
            self._intake = Intake(lambda: cast("Any", self), lambda count: cast("Any", None))
        return self._intake

    def submit_all(self, jobs: list[Job]) -> None:
        self.jobs += jobs
        self.asked += [(job.request, job.done) for job in jobs]

    def cancel(self, job: Job) -> None:
        self.given_up.append(job.request.id)

    def answer(self, outcome: Outcome) -> str:
        request, _ = self.asked.pop(0)
        job = self.jobs.pop(0)
        if isinstance(outcome, Exception):
            job.fail(outcome)
        elif outcome == Reply(outcome.body) and given([job], (len(outcome.body),), outcome.body, {}):
            tell([job])
        else:
            job.answer(cast("Any", outcome))
        return request.id


class Transport:
    """Remembers what was written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = self.eof = self.paused = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written += data

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_write_buffer_size(self) -> int:
        return 0


class House:
    """A connection, its transport, and the engine behind it."""

    engine_class: type[Engine] = Engine

    def __init__(self, guard: Guard | None = None, **settings: Any) -> None:
        self.engine, self.transport = self.engine_class(), Transport()
        config = Config(busy_wait=False, **settings)
        self.noted: list[tuple[str, int]] = []
        record = lambda remote, method, target, status, ms: self.noted.append((target, status))  # noqa: E731
        self.service = Service(Doors(cast("Any", self.engine), config), guard, record)
        self.connection = self.connect(self.transport)

    def connect(self, transport: Transport) -> Connection:
        connection = Connection(self.service, Listener.INFERENCE)
        connection.connection_made(cast("Any", transport))
        return connection

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    def warm(self) -> None:
        """Ask once, so that the head is known and the connection at rest."""
        self.send(ASK + b"00")
        self.engine.answer(Reply(b"ok"))
        self.taken()

    def taken(self) -> bytes:
        """What was written since, without ids."""
        written, self.transport.written = self.transport.written, b""
        lines = written.split(b"\r\n")
        return b"\r\n".join([line for line in lines if not line.startswith(b"x-request-id")])


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
