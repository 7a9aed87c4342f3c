"""Large bodies are received on a way of their own; clients notice nothing of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.front import House

from tsnb.config import Config
from tsnb.rest.large import LARGE

FREE = {
    "inference_address": "http://127.0.0.1:0",
    "management_address": "http://127.0.0.1:0",
    "metrics_address": "http://127.0.0.1:0",
}
BODY = os.urandom(2**20)
SMALL = b"POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nsmall"


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with House(Config(body_timeout=0.5, **FREE), uv=request.param == "uvloop") as house:
        yield house


def head(size: int, more: str = "") -> bytes:
    return f"POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n{more}\r\n".encode()


@pytest.mark.parametrize("size", [LARGE - 1, LARGE, LARGE + 1, 2**20, 3_000_000])
def test_every_byte_arrives_and_the_connection_goes_on(house: House, size: int) -> None:
    body = os.urandom(size)
    with house.connect() as wire:
        for _ in range(2):
            assert wire.send(head(size) + body).answer().body == body
            assert wire.send(SMALL).answer().body == b"small"


def test_a_request_right_behind_the_body_is_not_part_of_it(house: House) -> None:
    with house.connect() as wire:
        wire.send(head(len(BODY)) + BODY + SMALL + head(len(BODY)) + BODY)
        assert wire.answer().body == BODY
        assert wire.answer().body == b"small"
        assert wire.answer().body == BODY


@pytest.mark.parametrize("step", [100_000, 7_777])
def test_a_body_in_pieces(house: House, step: int) -> None:
    with house.connect() as wire:
        wire.send(head(len(BODY)))
        for start in range(0, len(BODY), step):
            wire.send(BODY[start : start + step])
        assert wire.answer().body == BODY


def test_a_body_that_is_waited_for(house: House) -> None:
    with house.connect() as wire:
        assert wire.send(head(len(BODY), "Expect: 100-continue\r\n")).answer().status == 100
        assert wire.send(BODY).answer().body == BODY


def test_a_body_behind_a_request_that_is_being_answered(house: House) -> None:
    with house.connect() as wire:
        wire.send(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n" + head(len(BODY)) + BODY)
        assert wire.answer().body == b"one,two,three"
        assert wire.answer().body == BODY


def test_the_last_request_of_a_connection(house: House) -> None:
    with house.connect() as wire:
        answer = wire.send(head(len(BODY), "Connection: close\r\n") + BODY).answer()
        assert (answer.body, answer.headers["connection"]) == (BODY, "close")
        assert wire.closed()


def test_an_offer_of_another_protocol_is_not_taken_up(house: House) -> None:
    with house.connect() as wire:
        offer = "Connection: upgrade\r\nUpgrade: h2c\r\n"
        assert wire.send(head(len(BODY), offer) + BODY).answer().body == BODY


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(house: House) -> None:
    before = house.connections
    with house.connect() as wire:
        wire.send(head(len(BODY)) + BODY[:500_000])
    with house.connect() as wire:
        assert wire.send(SMALL).answer().body == b"small"
        while house.connections > before + 1:
            assert wire.send(SMALL).answer().body == b"small"


def test_a_client_that_stops_sending_is_told_so(house: House) -> None:
    with house.connect() as wire:
        answer = wire.send(head(len(BODY)) + BODY[:10_000]).answer()
        assert answer.status == 408
        assert b"did not arrive in time" in answer.body
