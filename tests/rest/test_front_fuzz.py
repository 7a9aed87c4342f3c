"""Random bytes, and requests with random wounds: the server answers or closes, and goes on serving others."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.front import House

from tsnb.config import Config

SEEDS = [
    b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"POST /body HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /body HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"HEAD /echo?a=1&b HTTP/1.1\r\n\r\n",
]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    free = "http://127.0.0.1:0"
    with House(Config(inference_address=free, management_address=free, enable_metrics_api=False)) as house:
        yield house


def wounded(pick: random.Random) -> bytes:
    """Some good requests, one after the other, with bytes removed, added, repeated and replaced."""
    data = bytearray(b"".join(pick.choices(SEEDS, k=pick.randint(1, 4))))
    for _ in range(pick.randint(0, 6)):
        at = pick.randrange(len(data) or 1)
        match pick.randrange(4):
            case 0:
                del data[at : at + pick.randint(1, 8)]
            case 1:
                data[at:at] = pick.randbytes(pick.randint(1, 8))
            case 2:
                data[at:at] = data[at : at + pick.randint(1, 40)]
            case _:
                data[at : at + 1] = pick.choice([b"\r", b"\n", b"\0", b":", b" ", b"\xff", b"0", b"\r\n\r\n"])
    return bytes(data)


def hurl(house: House, data: bytes, pieces: random.Random) -> None:
    """Send it in pieces, say goodbye, and read until the server closes: it must, and every answer must be HTTP."""
    with house.connect() as wire:
        try:
            at = 0
            while at < len(data):
                step = pieces.randint(1, len(data))
                wire.send(data[at : at + step])
                at += step
            wire.socket.shutdown(socket.SHUT_WR)
            received = wire.rest()
        except (BrokenPipeError, ConnectionResetError):
            return
        assert not received or received.startswith(b"HTTP/1.1 ")


def still_serves(house: House) -> None:
    with house.connect() as wire:
        assert wire.get().status == 200


def test_wounded_requests_hurt_nobody_else(house: House) -> None:
    pick = random.Random(20260714)
    for _ in range(1500):
        hurl(house, wounded(pick), pick)
    still_serves(house)
    assert house.connections <= 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.randoms(use_true_random=False))
def test_noise_hurts_nobody(house: House, data: bytes, pieces: random.Random) -> None:
    hurl(house, data, pieces)
    still_serves(house)
