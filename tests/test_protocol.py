"""The wire, written a second time by hand: a change of the format by accident is noticed here."""

import socket
import struct
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsnb import protocol
from tsnb.messages import Failure, Parameter, Reply, Request


def frame(head, bodies=b"", *, magic=0x54, version=1, count=0):
    """A frame as protocol.py's docstring describes it, from nothing but struct and msgpack."""
    packed = msgspec.msgpack.encode(head)
    return struct.pack("<BBHIQ", magic, version, count, len(packed), len(bodies)) + packed + bodies


def joined(message, bodies=()):
    return b"".join(bytes(part) for part in protocol.encode(message, bodies))


def requests_of(message, bodies):
    """The requests of a batch, put together again."""
    rest = iter(protocol.values(message, bodies))
    return [
        Request(
            name,
            protocol.headers(message, at),
            tuple(Parameter(of, next(rest), kind) for of, kind in protocol.kinds(message, at)),
        )
        for at, name in enumerate(message.ids)
    ]


def test_a_batch_looks_as_it_is_described():
    request = Request("id-1", {"Host": "h"}, (Parameter("body", b'{"x": 1}', "application/json"), Parameter("k", b"v")))
    message, bodies = protocol.batch(7, [request])
    kinds = [[["body", "application/json"], ["k", ""]]]
    by_hand = ["batch", 7, ["id-1"], [8, 1], [{"Host": "h"}], kinds, [], [], []]
    written = joined(message, bodies)
    assert msgspec.msgpack.decode(written[16:-9]) == by_hand
    assert requests_of(message, b"".join(bodies)) == [request]
    assert next(iter(protocol.Reader().feed(frame(by_hand, b'{"x": 1}v', count=2))))[0] == message
    assert written.endswith(b'{"x": 1}v')


def test_a_result_looks_as_it_is_described():
    by_hand = ["result", 7, [2, 3], [[200, "", {}], [201, "Made", {"a": "b"}]], [0, 1], {"handle": 0.5}, [], False]
    ((message, bodies),) = protocol.Reader().feed(frame(by_hand, b"okyes", count=2))
    replies = protocol.replies(message, bodies)
    assert [(reply.status, reply.reason, reply.body) for reply in replies] == [(200, "", b"ok"), (201, "Made", b"yes")]
    assert replies[0].timings == {"handle": 0.5}


def test_requests_share_what_is_the_same():
    json, text = Parameter("body", b"1", "application/json"), Parameter("body", b"two", "text/plain")
    mine, theirs = {"Host": "mine"}, {"Host": "theirs"}
    sent = [
        Request("a", mine, (json,)),
        Request("b", theirs, (text, json)),
        Request("c", mine, (json,)),
        Request("d", mine, ()),
        Request("e", theirs, (text, json)),
    ]
    message, bodies = protocol.batch(1, sent)
    assert message.headers == (mine, theirs)
    assert len(message.kinds) == 3
    assert requests_of(message, b"".join(bodies)) == sent
    alike, _ = protocol.batch(2, [sent[0], sent[2]])
    assert (alike.headers_of, alike.kinds_of) == ((), ())
    assert protocol.batch(3, [sent[0], Request("f", mine, (text,))])[0].kinds_of == (0, 1)


def test_answers_that_follow_each_other_share_what_is_the_same():
    plain, made = protocol.Answered(200, "", {}), protocol.Answered(201, "Made", {"x": "y"})
    bodies = [b"a", b"bc", b"d", b"", b"e"]
    message = protocol.result(1, bodies, [plain, plain, made, made, plain])
    assert [head.status for head in message.heads] == [200, 201, 200]
    found = protocol.replies(message, b"".join(bodies))
    assert [reply.body for reply in found] == bodies
    assert [(reply.status, reply.headers) for reply in found[1:3]] == [(200, {}), (201, {"x": "y"})]
    assert protocol.result(2, bodies[:2], [plain, plain]).which == ()
    assert protocol.replies(protocol.result(3, bodies), b"".join(bodies)) == [Reply(body) for body in bodies]


@pytest.mark.parametrize(("heads", "which"), [((), ()), (((200, "", {}),), (0, 1))])
def test_a_result_that_does_not_say_all_of_its_answers_is_refused(heads, which):
    ((message, bodies),) = protocol.Reader().feed(frame(["result", 7, [1, 1], heads, which], b"ab", count=2))
    with pytest.raises(protocol.ProtocolError, match="2 answers"):
        protocol.replies(message, bodies)


bodies_strategy = st.lists(st.binary(max_size=300), min_size=1, max_size=5)


@given(bodies=bodies_strategy, cuts=st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_frames_arrive_whole_however_they_are_cut(bodies, cuts):
    requests = [Request(str(n), {}, (Parameter("body", body),)) for n, body in enumerate(bodies)]
    stream = joined(*protocol.batch(1, requests)) + joined(protocol.Stop()) + joined(*protocol.batch(2, requests))
    reader, found, at = protocol.Reader(), [], 0
    while at < len(stream):
        step = cuts[len(found) % len(cuts)]
        found.extend(reader.feed(stream[at : at + step]))
        at += step
    assert [type(message).__name__ for message, _ in found] == ["Batch", "Stop", "Batch"]
    for message, data in (found[0], found[2]):
        assert [bytes(r.parameters[0].value) for r in requests_of(message, data)] == bodies


@given(size=st.sampled_from([0, 1, 1000, protocol.SMALL, protocol.SMALL + 1, 1_000_000]))
def test_both_sides_of_a_socket_agree(size):
    left, right = socket.socketpair()
    with left, right:
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * 2**20)
        bodies = [b"x" * size, b""]
        message = protocol.result(3, bodies)
        left.settimeout(10)
        right.settimeout(10)
        if size <= 1000:
            protocol.write(left, message, bodies)
        else:
            threading.Thread(target=protocol.write, args=(left, message, bodies)).start()
        received = protocol.Source(right).read()
        assert received is not None
        assert [len(reply.body) for reply in protocol.replies(*received)] == [size, 0]


def test_the_end_of_the_stream_between_frames_is_no_error_and_inside_one_is():
    left, right = socket.socketpair()
    with right:
        protocol.write(left, protocol.Stop())
        left.close()
        source = protocol.Source(right)
        assert source.read() == (protocol.Stop(), b"")
        assert source.read() is None
    left, right = socket.socketpair()
    with right:
        left.sendall(joined(protocol.Stop())[:-1])
        left.close()
        with pytest.raises(protocol.ProtocolError, match="closed inside a frame"):
            protocol.Source(right).read()


@given(sizes=st.lists(st.sampled_from([0, 10, 1000, protocol.AHEAD - 60, protocol.AHEAD, 200_000]), max_size=6))
def test_frames_that_came_together_are_read_one_by_one(sizes):
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(10)
        right.settimeout(10)
        batches = [
            joined(*protocol.batch(number, [Request("r", {}, (Parameter("body", b"x" * size),))]))
            for number, size in enumerate(sizes)
        ]
        writer = threading.Thread(target=left.sendall, args=(b"".join(batches),))
        writer.start()
        source = protocol.Source(right)
        for number, size in enumerate(sizes):
            message, bodies = source.read()
            assert (message.number, len(bodies)) == (number, size)
        writer.join()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n....",
        frame(["stop"], magic=0x55),
        frame(["stop"], version=2),
        frame(["no such message"]),
        frame({"not": "an array"}),
        struct.pack("<BBHIQ", 0x54, 1, 0, 2**31, 0),
        struct.pack("<BBHIQ", 0x54, 1, 0, 4, 0) + b"\xc1\xc1\xc1\xc1",
    ],
)
def test_garbage_is_refused(garbage):
    with pytest.raises(protocol.ProtocolError):
        list(protocol.Reader().feed(garbage))


def test_bodies_over_the_limit_are_refused_before_they_arrive():
    header = joined(protocol.result(1, [b"x" * 100]), [b"x" * 100])[:16]
    with pytest.raises(protocol.ProtocolError, match="the limit is 99 bytes"):
        list(protocol.Reader(max_bodies=99).feed(header))


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise(data):
    try:
        list(protocol.Reader().feed(data))
    except protocol.ProtocolError:
        return


@pytest.mark.parametrize(
    "message",
    [
        protocol.Fork("9000", {"A": "b"}, "/"),
        protocol.Kill(1, 9),
        protocol.Born(1),
        protocol.Forked("9000", 1),
        protocol.Exited(1, -9),
    ],
)
def test_control_messages_survive_their_packet(message):
    assert protocol.decode_control(protocol.encode_control(message)) == message


def test_a_failure_crosses_as_data():
    failed = protocol.Failed(1, 503, "Prediction failed", Failure("ValueError", "no", stage="inference"))
    assert next(iter(protocol.Reader().feed(joined(failed))))[0] == failed
