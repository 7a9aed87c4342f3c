"""Bytes become requests, however they are cut."""

from __future__ import annotations

import pytest

from tsnb.rest.heads import Incoming
from tsnb.rest.reader import MAX_HEAD, Refusal, RequestReader

CHUNKED = b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SMALL = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_request_right_after_a_body_that_was_too_large_is_read_for_itself() -> None:
    reader = RequestReader(1000)
    reader.feed(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 990_000)
    reader.feed(b"x" * 10_000 + CHUNKED + b"5\r\nhel")
    reader.feed(b"lo\r\n0\r\n\r\n")
    refusal, request = reader.items
    assert isinstance(refusal, Refusal)
    assert isinstance(request, Incoming)
    assert (refusal.status, request.body) == (413, b"hello")


def test_many_small_requests_in_one_piece_are_no_large_head() -> None:
    reader = RequestReader(1000)
    reader.feed(SMALL[:10])
    reader.feed(SMALL[10:] + SMALL * (2 * MAX_HEAD // len(SMALL)) + SMALL[:10])
    assert not reader.closed
    assert all(isinstance(item, Incoming) for item in reader.items)


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nA: ", CHUNKED + b"1;"])
def test_a_line_without_an_end_is_refused(start: bytes) -> None:
    reader = RequestReader(1000)
    reader.feed(start)
    for _ in range(2 * MAX_HEAD // 1000):
        reader.feed(b"x" * 1000)
    assert isinstance(reader.items[-1], Refusal)
    assert reader.closed
