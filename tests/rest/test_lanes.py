"""The short way of a request: what is at rest, what comes in between, and that every answer is the same as by the long.

Each test runs with the engine that has the short way in Python, and with jobs on the compiled one.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.rest.lanes import ASK, CompiledEngine, Engine, House, Transport, in_loop, turns
from tsnb.engine.api import Outcome
from tsnb.errors import InvalidKey, ServiceUnavailable
from tsnb.messages import Reply
from tsnb.speedups import COMPILED


@pytest.fixture(autouse=True, params=[Engine, CompiledEngine], ids=["python", "compiled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is CompiledEngine and not COMPILED:
        pytest.skip("nothing is compiled here")
    monkeypatch.setattr(House, "engine_class", request.param)


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
