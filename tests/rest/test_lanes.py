"""The short way of a request: what is at rest, what comes in between, and that every answer is the same as by the long.

A connection with a transport that remembers, an engine that answers when a test says so.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from tsnb.config import Config
from tsnb.engine.api import Outcome
from tsnb.errors import InvalidKey, ServiceUnavailable
from tsnb.messages import Reply, Request
from tsnb.rest import inference as _inference  # noqa: F401  (its routes)
from tsnb.rest.http1 import Connection
from tsnb.rest.routes import Doors, Listener
from tsnb.rest.service import Guard, Service

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
        self.counted.append(status)

    def answer(self, outcome: Outcome) -> str:
        """Answer the oldest request; its id."""
        request, done = self.asked.pop(0)
        done(outcome)
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

    def __init__(self, guard: Guard | None = None, **settings: Any) -> None:
        self.engine, self.transport = Engine(), Transport()
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


OUTCOMES = pytest.mark.parametrize(
    "outcome",
    [
        Reply(b"ok"),
        Reply(b""),
        Reply("ä".encode() * 40_000),
        Reply(b"made", 201, "Made", {"x-own": "1"}),
        Reply(b"mine", 200, "", {"content-type": "text/html", "x-request-id": "forged", "connection": "close"}),
        Reply(b"odd", 200, "All right"),
        Reply(b"no", 418, "Teapot"),
        Reply(b"", 204),
        Reply(b"wrong", 700),
        ServiceUnavailable("No."),
    ],
    ids=lambda each: f"{getattr(each, 'status', '')}-{len(getattr(each, 'body', b''))}-{getattr(each, 'reason', '')}",
)


@OUTCOMES
@pytest.mark.parametrize("cors", ["", "*"])
@in_loop
async def test_both_ways_give_the_same_answer(outcome: Outcome, cors: str) -> None:
    told = []
    for warm in (False, True):
        house = House(cors_allowed_origin=cors)
        if warm:
            house.warm()
        house.send(ASK + b"ab")
        request_id = house.engine.answer(outcome)
        assert b"x-request-id: " + request_id.encode() in house.transport.written
        told.append((house.taken(), house.engine.counted[-1], house.noted[-1], house.transport.eof))
    assert told[0] == told[1]


@in_loop
async def test_each_request_has_its_own_body_and_id() -> None:
    house = House()
    seen = set()
    for number in range(5):
        house.send(ASK + b"%02d" % number)
        request, _ = house.engine.asked[0]
        assert bytes(request.parameters[0].value) == b"%02d" % number
        assert request.headers["Content-Type"] == "text/plain"
        seen.add(house.engine.answer(Reply(b"ok")))
        assert house.taken().endswith(b"ok")
    assert len(seen) == 5
    assert house.engine.counted == [200] * 5


@pytest.mark.parametrize(
    "pieces", [[ASK + b"ab" + ASK + b"cd"], [ASK + b"ab", ASK + b"cd"], [ASK + b"a", b"b" + ASK + b"cd"]]
)
@in_loop
async def test_requests_that_do_not_wait_for_each_other_are_answered_in_order(pieces: list[bytes]) -> None:
    house = House()
    house.warm()
    for piece in pieces:
        house.send(piece)
    await turns()
    written = b""
    for _ in range(2):
        if house.engine.asked:  # by the short way: the long one answers itself
            body = bytes(house.engine.asked[0][0].parameters[0].value)
            house.engine.answer(Reply(b"<" + body + b">"))
        await turns()
        written += house.taken()
    assert written.count(b"HTTP/1.1 200") == 2
    assert 0 < written.find(b"<ab>") < written.find(b"<cd>")
    assert not house.transport.paused
    house.send(ASK + b"ef")
    house.engine.answer(Reply(b"after"))
    assert house.taken().endswith(b"after")


@in_loop
async def test_a_client_that_sends_no_more_gets_its_answer_and_the_end() -> None:
    house = House()
    house.warm()
    house.send(ASK + b"ab")
    assert house.connection.eof_received() is True
    house.engine.answer(Reply(b"ok"))
    assert house.taken().endswith(b"ok")
    assert house.transport.closed


@in_loop
async def test_a_server_that_stops_says_so_in_the_answer_it_is_making() -> None:
    house = House()
    house.warm()
    house.send(ASK + b"ab")
    house.connection.drain()
    assert not house.transport.closed
    house.engine.answer(Reply(b"ok"))
    assert b"connection: close" in house.taken()
    assert house.transport.eof


@in_loop
async def test_a_connection_at_rest_is_closed_when_the_server_stops() -> None:
    house = House()
    house.warm()
    house.connection.drain()
    assert house.transport.closed


@in_loop
async def test_a_request_whose_client_left_is_given_up() -> None:
    house = House()
    house.warm()
    house.send(ASK + b"ab")
    (request, _) = house.engine.asked[0]
    house.connection.connection_lost(None)
    assert house.engine.given_up == [request.id]


@in_loop
async def test_a_client_that_reads_slowly_is_not_at_rest_until_it_has_caught_up() -> None:
    house = House()
    house.warm()
    house.connection.pause_writing()
    house.send(ASK + b"ab")
    house.send(ASK + b"cd")
    await turns()
    assert house.taken().count(b"HTTP/1.1 200") == 1, "the second waits for the first to be read"
    house.connection.resume_writing()
    await turns()
    assert house.taken().count(b"HTTP/1.1 200") == 1
    house.send(ASK + b"ef")
    house.engine.answer(Reply(b"again"))
    assert house.taken().endswith(b"again")


@in_loop
async def test_a_guard_sees_every_request_and_what_it_refuses_takes_the_long_way() -> None:
    asked = []

    def guard(request: Any) -> None:
        asked.append(request.path)
        if closed:
            raise InvalidKey("Token Authorization failed.")

    closed = False
    house = House(guard)
    house.warm()
    house.send(ASK + b"ab")
    house.engine.answer(Reply(b"ok"))
    assert len(asked) == 2
    closed = True
    house.taken()
    house.send(ASK + b"cd")
    await turns()
    assert b"InvalidKeyException" in house.taken()
    assert house.engine.asked == []


@in_loop
async def test_connections_share_what_is_known_of_a_head() -> None:
    house = House()
    house.warm()
    other = Transport()
    connection = house.connect(other)
    connection.data_received(ASK + b"xy")
    house.engine.answer(Reply(b"theirs"))
    assert other.written.endswith(b"theirs")
    longer = ASK.replace(b"Length: 2", b"Length: 3")
    connection.data_received(longer + b"xyz")
    house.engine.answer(Reply(b"longer"))
    assert other.written.endswith(b"longer")
    connection.data_received(ASK + b"xyGET /nonsense\x00 HTTP/1.1\r\n\r\n")
    await turns()
    while house.engine.asked:
        house.engine.answer(Reply(b"last"))
        await turns()
    assert b"HTTP/1.1 400" in other.written
