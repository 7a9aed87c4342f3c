"""A head that was seen before is not parsed again; one that differs in anything is."""

import pytest

from tsnb.rest.heads import CAPACITY, Heads, Incoming
from tsnb.rest.reader import Refusal, RequestReader

HEAD = b"POST /predictions/m HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n"


def read(heads: Heads, *pieces: bytes) -> list[object]:
    reader = RequestReader(1000, heads)
    for piece in pieces:
        reader.feed(piece)
    return list(reader.items)


def seen(*pieces: bytes) -> Heads:
    heads = Heads()
    read(heads, *pieces)
    return heads


def test_the_second_request_shares_the_head_of_the_first_and_has_its_own_body():
    heads = Heads()
    [first], [second] = read(heads, HEAD + b"ab"), read(heads, HEAD + b"cd")
    assert isinstance(first, Incoming)
    assert isinstance(second, Incoming)
    assert second.head is first.head
    assert (first.body, second.body) == (b"ab", b"cd")


@pytest.mark.parametrize(
    "data",
    [HEAD + b"a", HEAD + b"abc", HEAD + b"ab" + HEAD + b"cd", HEAD.replace(b"here", b"there") + b"ab"],
    ids=["too short", "too long", "two at once", "another host"],
)
def test_anything_else_goes_through_the_parser(data):
    assert seen(HEAD + b"ab").find(data) is None


def test_one_too_long_is_refused_by_the_parser_as_ever():
    items = read(seen(HEAD + b"ab"), HEAD + b"abGARBAGE\r\n\r\n")
    assert [type(item) for item in items] == [Incoming, Refusal]


def test_a_known_head_inside_a_body_is_body():
    heads = seen(HEAD + b"ab")
    outer = b"POST /predictions/m HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(HEAD + b"ab")
    [item] = read(heads, outer, HEAD + b"ab")
    assert isinstance(item, Incoming)
    assert item.body == HEAD + b"ab"


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nBig: " + b"x" * 5000 + b"\r\n\r\n",
    ],
    ids=["chunked", "expect", "closing", "HTTP/1.0", "long"],
)
def test_what_is_not_remembered(data):
    assert seen(data).find(data) is None


def test_a_request_in_pieces_is_not_remembered_but_a_later_whole_one_is():
    heads = seen(HEAD[:20], HEAD[20:] + b"ab")
    assert heads.find(HEAD + b"ab") is None
    read(heads, HEAD + b"ab")
    assert heads.find(HEAD + b"xy") is not None


def test_there_is_room_for_so_many_and_the_oldest_goes_first():
    heads = Heads()
    for number in range(CAPACITY + 1):
        read(heads, HEAD.replace(b"here", b"host%d" % number) + b"ab")
    assert heads.find(HEAD.replace(b"here", b"host0") + b"ab") is None
    assert heads.find(HEAD.replace(b"here", b"host1") + b"ab") is not None
