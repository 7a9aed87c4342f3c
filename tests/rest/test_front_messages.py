"""The front against clients of every kind: what each gets, and what becomes of its connection."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from support.front import House

from tsnb.config import Config
from tsnb.rest.reader import MAX_HEAD, MAX_HEADERS, MAX_TARGET

MOST = 1000
FREE = {
    "inference_address": "http://127.0.0.1:0",
    "management_address": "http://127.0.0.1:0",
    "metrics_address": "http://127.0.0.1:0",
}


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with House(Config(max_request_size=MOST, **FREE), uv=request.param == "uvloop") as house:
        yield house


class Case(NamedTuple):
    name: str
    sent: bytes
    statuses: list[int]
    stays: bool


def post(headers: str, body: bytes = b"", line: str = "POST /body HTTP/1.1") -> bytes:
    return f"{line}\r\nHost: h\r\n{headers}\r\n".encode() + body


def get(headers: str = "", target: str = "/echo", version: str = "1.1", method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/{version}\r\nHost: h\r\n{headers}\r\n".encode("latin-1")


CHUNKED = "Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"

CASES = [
    # Ordinary requests.
    Case("get", get(), [200], True),
    Case("no host", b"GET /echo HTTP/1.1\r\n\r\n", [200], True),
    Case("body of a GET", get("Content-Length: 3\r\n") + b"abc", [200], True),
    Case("length", post("Content-Length: 5\r\n", b"hello"), [200], True),
    Case("no body", post("Content-Length: 0\r\n"), [200], True),
    Case("exactly the limit", post(f"Content-Length: {MOST}\r\n", b"x" * MOST), [200], True),
    Case("chunked", post(CHUNKED, HELLO), [200], True),
    Case("chunked, in capitals", post("TRANSFER-ENCODING: Chunked\r\n", HELLO), [200], True),
    Case("chunk extension", post(CHUNKED, b"5;a=b\r\nhello\r\n0\r\n\r\n"), [200], True),
    Case("trailer", post(CHUNKED, b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), [200], True),
    Case("empty lines before", b"\r\n\r\n" + get(), [200], True),
    Case("pipelined", get() * 5, [200] * 5, True),
    Case("pipelined bodies", post("Content-Length: 5\r\n", b"hello") + post(CHUNKED, HELLO) + get(), [200] * 3, True),
    Case("unknown path", get(target="/nothing"), [404], False),
    Case("nothing after an error", get(target="/nothing") + get(), [404], False),
    Case("absolute form", get(target="http://h/echo"), [404], False),
    Case("asterisk", get(target="*", method="OPTIONS"), [404], False),
    Case("other method", get(method="PROPFIND"), [200], True),
    Case("header beyond ASCII", get("X: \xff\xfe\r\n"), [200], True),
    Case("repeated header", get("X: 1\r\nx: 2\r\n"), [200], True),
    # Who closes when.
    Case("asked to close", get("Connection: close\r\n"), [200], False),
    Case("nothing after close", get("Connection: close\r\n") + get(), [200], False),
    Case("1.0", get(version="1.0"), [200], False),
    Case("1.0 kept alive", get("Connection: keep-alive\r\n", version="1.0"), [200], True),
    Case("1.0 with nothing at all", b"GET /echo HTTP/1.0\r\n\r\n", [200], False),
    # Offers that are not taken up.
    Case("offer of h2c", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n") + get(), [200, 200], True),
    Case("offer with a body", post("Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n", b"hi"), [200], True),
    Case("offer, body of nothing", post("Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n"), [200], True),
    Case("offer, body in chunks", post("Connection: Upgrade\r\nUpgrade: x\r\n" + CHUNKED, HELLO), [200], True),
    Case("offer, then close", get("Connection: Upgrade, close\r\nUpgrade: x\r\n"), [200], False),
    Case(
        "offer, large body",
        post("Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 1001\r\n", b"x" * 1001),
        [413],
        True,
    ),
    Case("websocket", get("Connection: Upgrade\r\nUpgrade: websocket\r\n"), [200], True),
    Case("tunnel", b"CONNECT h:80 HTTP/1.1\r\n\r\n", [400], False),
    Case("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], False),
    # Expectations.
    Case("expectation nobody knows", post("Expect: magic\r\nContent-Length: 1\r\n"), [417], False),
    Case("too large to be let in", post("Expect: 100-continue\r\nContent-Length: 1001\r\n"), [413], False),
    Case("let in", post("Expect: 100-continue\r\nContent-Length: 2\r\n", b"hi"), [200], True),
    # Limits.
    Case("too large", post("Content-Length: 1001\r\n", b"x" * 1001) + get(), [413, 200], True),
    Case("too large in chunks", post(CHUNKED, b"3e9\r\n" + b"x" * 1001 + b"\r\n"), [413], False),
    Case("absurd length", post("Content-Length: 99999999999999999999\r\n"), [400], False),
    Case("long target", get(target="/" + "x" * MAX_TARGET), [400], False),
    Case("many headers", get("X: 1\r\n" * MAX_HEADERS), [431], False),
    Case("large header", get("X: " + "1" * MAX_HEAD + "\r\n"), [431], False),
    Case("endless header", b"GET /echo HTTP/1.1\r\nX: " + b"1" * 2**20, [431], False),
    Case("endless name", b"GET /echo HTTP/1.1\r\n" + b"x" * 2**20, [431], False),
    Case("endless trailer", post(CHUNKED, b"0\r\n" + b"X: 1\r\n" * 200), [431], False),
    Case("endless trailer line", post(CHUNKED, b"0\r\nX: " + b"1" * 2**20), [431], False),
    Case("endless chunk extension", post(CHUNKED, b"5;" + b"x" * 2**20), [431], False),
    Case("a chunk for each byte", post(CHUNKED, b"1\r\nx\r\n" * MOST + b"0\r\n\r\n"), [200], True),
    # Smuggling.
    Case("length and chunks", post("Content-Length: 5\r\n" + CHUNKED, HELLO), [400], False),
    Case("chunks and length", post(CHUNKED + "Content-Length: 5\r\n", HELLO), [400], False),
    Case("two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"), [400], False),
    Case("the same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"), [400], False),
    Case("list of lengths", post("Content-Length: 5, 5\r\n", b"hello"), [400], False),
    Case("length with a sign", post("Content-Length: +5\r\n", b"hello"), [400], False),
    Case("negative length", post("Content-Length: -5\r\n", b"hello"), [400], False),
    Case("length in hexadecimal", post("Content-Length: 0x5\r\n", b"hello"), [400], False),
    Case("empty length", post("Content-Length: \r\n", b"hello"), [400], False),
    Case("blank before the colon", post("Content-Length : 5\r\n", b"hello"), [400], False),
    Case("other coding", post("Transfer-Encoding: gzip\r\n", HELLO), [400], False),
    Case("coding before chunks", post("Transfer-Encoding: gzip, chunked\r\n", HELLO), [400], False),
    Case("coding after chunks", post("Transfer-Encoding: chunked, gzip\r\n", HELLO), [400], False),
    Case("not quite chunked", post("Transfer-Encoding: xchunked\r\n", HELLO), [400], False),
    Case("identity", post("Transfer-Encoding: identity\r\n", HELLO), [400], False),
    Case("chunked twice", post(CHUNKED * 2, HELLO), [400], False),
    Case("chunks in 1.0", post(CHUNKED, HELLO, "POST /body HTTP/1.0"), [400], False),
    Case("chunk size is no number", post(CHUNKED, b"zz\r\n"), [400], False),
    Case("negative chunk", post(CHUNKED, b"-1\r\n"), [400], False),
    Case("chunk size with 0x", post(CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"), [400], False),
    Case("absurd chunk size", post(CHUNKED, b"fffffffffffffffff\r\n"), [400], False),
    Case("chunk ended by a line feed", post(CHUNKED, b"5\nhello\n0\n\n"), [400], False),
    Case("chunk longer than it says", post(CHUNKED, b"4\r\nhello\r\n0\r\n\r\n"), [400], False),
    Case("length in a trailer", post(CHUNKED, b"0\r\nContent-Length: 5\r\n\r\n"), [400], False),
    Case("two hosts", b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", [400], False),
    Case("folded header", get("X: a\r\n b\r\n"), [400], False),
    Case("header that starts with a blank", get(" X: a\r\n"), [400], False),
    Case("NUL in a header", get("X: a\0b\r\n"), [400], False),
    Case("NUL in the target", get(target="/ec\0ho"), [400], False),
    Case("control character", get("X: a\x01\r\n"), [400], False),
    Case("line feeds only", b"GET /echo HTTP/1.1\nHost: h\n\n", [400], False),
    Case("one bare line feed", b"GET /echo HTTP/1.1\r\nHost: h\nX: b\r\n\r\n", [400], False),
    Case("one bare carriage return", b"GET /echo HTTP/1.1\r\nHost: h\rX: b\r\n\r\n", [400], False),
    # Nonsense.
    Case("no colon", get("what\r\n"), [400], False),
    Case("no name", get(": x\r\n"), [400], False),
    Case("quoted name", get('"X": x\r\n'), [400], False),
    Case("HTTP/9.9", get(version="9.9"), [400], False),
    Case("HTTP/2.0", get(version="2.0"), [400], False),
    Case("HTTP/0.9", b"GET /echo\r\n\r\n", [400], False),
    Case("lower-case method", get(method="get"), [400], False),
    Case("target without a slash", get(target="echo"), [400], False),
    Case("blank in the target", get(target="/ec ho"), [400], False),
    Case("raw UTF-8 in the target", "GET /é HTTP/1.1\r\n\r\n".encode(), [400], False),
    Case("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], False),
    Case("good, then nonsense", get() + b"\0\0\0\0", [200, 400], False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_request_gets_its_answer_and_the_connection_its_fate(house: House, case: Case) -> None:
    with house.connect() as wire:
        wire.send(case.sent)
        answers = []
        while len(answers) < len(case.statuses):
            answer = wire.answer()
            if answer.status != 100:
                answers.append(answer)
        assert [answer.status for answer in answers] == case.statuses
        assert answers[-1].headers["connection"] == ("keep-alive" if case.stays else "close")
        if case.stays:
            assert wire.get().status == 200
        else:
            assert wire.closed()


@pytest.mark.parametrize("case", [case for case in CASES if len(case.sent) < 2000], ids=lambda case: case.name)
def test_the_answer_is_the_same_when_the_bytes_come_one_by_one(house: House, case: Case) -> None:
    with house.connect() as wire:
        for at in range(len(case.sent)):
            try:
                wire.send(case.sent[at : at + 1])
            except (BrokenPipeError, ConnectionResetError):
                break  # refused before the end
        statuses = [status for status in case.statuses if status != 100]
        found = []
        while len(found) < len(statuses):
            answer = wire.answer()
            if answer.status != 100:
                found.append(answer.status)
        assert found == statuses


def test_the_body_of_a_request_with_an_offer_is_read(house: House) -> None:
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    with house.connect() as wire:
        assert wire.send(post(offer + "Content-Length: 5\r\n", b"hello")).answer().body == b"hello"
        assert wire.send(post(offer + CHUNKED, HELLO) + get()).answer().body == b"hello"
        assert wire.answer().status == 200
        wire.send(post(offer + "Content-Length: 60\r\n"))
        assert wire.send(b"GET /smuggled HTTP/1.1\r\n\r\n" + b"x" * 34).answer().body.startswith(b"GET /smuggled")


@pytest.mark.parametrize("case", [case for case in CASES if case.statuses == [400]], ids=lambda case: case.name)
def test_bad_requests_are_told_so_as_torchserve_tells_them(house: House, case: Case) -> None:
    if case.name == "long target":
        pytest.skip("names its limit instead")
    with house.connect() as wire:
        answer = wire.send(case.sent).answer()
    assert answer.json == {"code": 400, "type": "BadRequestException", "message": "Invalid HTTP message."}
    assert answer.headers["content-type"] == "application/json"
    assert "x-request-id" in answer.headers


def test_an_answer_carries_torchserves_headers(house: House) -> None:
    with house.connect() as wire:
        headers = wire.get().headers
        assert headers["pragma"] == "no-cache"
        assert headers["cache-control"] == "no-cache; no-store, must-revalidate, private"
        assert headers["expires"] == "Thu, 01 Jan 1970 00:00:00 UTC"
        assert headers["connection"] == "keep-alive"
        assert "date" not in headers
        assert "server" not in headers
        ids = {wire.get().headers["x-request-id"] for _ in range(100)}
        assert len(ids) == 100
        assert all(str(uuid.UUID(text)) == text and uuid.UUID(text).version == 4 for text in ids)
        assert {uuid.UUID(text).variant for text in ids} == {uuid.RFC_4122}


def test_a_request_arrives_as_it_was_sent(house: House) -> None:
    with house.connect() as wire:
        answer = wire.send(get("X-One: 1\r\nx-one: 2\r\nEmpty:\r\n", "/echo/%73/a?b=1&b=2&c&d=%26")).answer()
        said = answer.json
        assert said["path"] == "/echo/%73/a"
        assert said["query"] == {"b": ["1", "2"], "c": [""], "d": ["&"]}
        assert said["headers"] == {"Host": "h", "x-one": "2", "Empty": ""}
        assert said["remote"] == "{}:{}".format(*wire.socket.getsockname())


def test_too_many_query_parameters_are_refused(house: House) -> None:
    with house.connect() as wire:
        answer = wire.get("/echo?" + "&".join(["a=1"] * 1001))
        assert answer.status == 400
        assert "1000 parameters" in answer.json["message"]


def test_a_large_body_is_refused_bare(house: House) -> None:
    with house.connect() as wire:
        answer = wire.send(post("Content-Length: 1001\r\n", b"x" * 1001)).answer()
        assert (answer.status, answer.body, answer.headers["content-length"]) == (413, b"", "0")
        assert "x-request-id" not in answer.headers


def test_a_large_body_is_refused_before_it_came(house: House) -> None:
    with house.connect() as wire:
        wire.send(post("Content-Length: 100000000\r\n"))
        assert wire.answer().status == 413
        for _ in range(100):
            wire.send(b"x" * 10**6)
        assert wire.get().status == 200


def test_leave_to_send_a_body_is_given(house: House) -> None:
    with house.connect() as wire:
        wire.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n"))
        assert wire.answer().status == 100
        assert wire.send(b"hello").answer().body == b"hello"


def test_leave_is_given_after_the_answers_before_it(house: House) -> None:
    with house.connect() as wire:
        wire.send(get(target="/stream") + post("Expect: 100-Continue\r\n" + CHUNKED))
        assert [wire.answer().status, wire.answer().status] == [200, 100]
        assert wire.send(HELLO).answer().body == b"hello"


@pytest.mark.parametrize("target", ["/echo", "/stream", "/nothing"])
def test_head_gets_headers_only(house: House, target: str) -> None:
    with house.connect() as wire, house.connect() as other:
        full = other.get(target)
        answer = wire.send(get(target=target, method="HEAD")).answer(to_head=True)
        assert answer.status == full.status
        assert answer.headers.get("transfer-encoding") == full.headers.get("transfer-encoding")
        if full.status == 200:
            assert wire.get().status == 200
        else:
            assert wire.closed()


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(house: House, status: int) -> None:
    with house.connect() as wire:
        answer = wire.get(f"/status/{status}")
        assert answer.status == status
        assert "content-length" not in answer.headers
        assert wire.get().status == 200


@pytest.mark.parametrize(
    ("status", "reason"), [(200, "OK"), (418, "I'm a Teapot"), (299, "Success (299)"), (599, "Server Error (599)")]
)
def test_statuses_have_their_phrase(house: House, status: int, reason: str) -> None:
    with house.connect() as wire:
        answer = wire.get(f"/status/{status}")
        assert (answer.status, answer.reason) == (status, reason)


def test_a_handler_cannot_break_the_framing(house: House) -> None:
    with house.connect() as wire:
        headers = wire.get("/headers").headers
        assert headers["x-split"] == "aX-Evil: 1"
        assert headers["content-length"] == "2"
        assert headers["connection"] == "keep-alive"
        assert headers["x-latin"] == "café"
        assert headers["x-far"] == "?"
        assert not {"transfer-encoding", "x-evil", "bad name"} & set(headers)
        answer = wire.get("/reason")
        assert (answer.reason, "x-evil" in answer.headers) == ("FineX-Evil: 1", False)


def test_a_failing_endpoint_does_not_tell_what_it_knows(house: House) -> None:
    with house.connect() as wire:
        answer = wire.get("/crash")
        assert answer.status == 500
        assert answer.json["type"] == "InternalServerException"
        assert b"secret" not in answer.body
