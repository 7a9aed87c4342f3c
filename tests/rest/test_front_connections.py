"""Connections over time: streams, clients that leave, that are slow, and a server that stops."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.front import DEADLINE, HOST, House, Wire

from tsnb.config import Config
from tsnb.errors import ConfigError
from tsnb.rest.address import bindings, parse
from tsnb.rest.routes import Listener

FREE = {
    "inference_address": "http://127.0.0.1:0",
    "management_address": "http://127.0.0.1:0",
    "metrics_address": "http://127.0.0.1:0",
}
LOOPS = pytest.mark.parametrize("uv", [True, False], ids=["uvloop", "asyncio"])


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with House(Config(**FREE), uv=request.param) as house:
        yield house


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def get(target: str, version: str = "1.1", headers: str = "") -> bytes:
    return f"GET {target} HTTP/{version}\r\nHost: h\r\n{headers}\r\n".encode()


# --- streams --------------------------------------------------------------------------------------------


def test_a_stream_is_sent_in_chunks(house: House) -> None:
    with house.connect() as wire:
        head = wire.send(get("/stream")).head()
        assert head.headers["transfer-encoding"] == "chunked"
        assert "content-length" not in head.headers
        assert [wire.chunk() for _ in range(4)] == [b"one,", b"two,", b"three", b""]
        assert wire.get().status == 200


def test_an_old_client_reads_a_stream_to_the_end_of_the_connection(house: House) -> None:
    with house.connect() as wire:
        answer = wire.send(get("/stream", "1.0", "Connection: keep-alive\r\n")).answer()
        assert answer.body == b"one,two,three"
        assert answer.headers["connection"] == "close"
        assert "transfer-encoding" not in answer.headers


def test_a_torn_stream_ends_in_a_reset_without_a_last_chunk(house: House) -> None:
    with house.connect() as wire:
        wire.send(get("/torn"))
        with pytest.raises((ConnectionResetError, EOFError)):
            wire.answer()
    with house.connect() as wire:
        assert wire.get().status == 200


def test_a_stream_waits_for_a_client_that_does_not_read(house: House) -> None:
    with house.connect() as wire:
        wire.send(get("/endless"))
        wire.head()
        produced = -1
        while produced != house.produced:  # the kernel's buffers are full when it stands still
            produced = house.produced
            assert not house.closed_stream.wait(0.1)
        assert house.produced * 2**16 < 64 * 2**20
        for _ in range(1000):
            wire.chunk()
        assert house.produced > produced


def test_a_stream_is_closed_when_its_client_leaves(house: House) -> None:
    with house.connect() as wire:
        wire.send(get("/endless")).head()
    assert house.closed_stream.wait(DEADLINE)
    until(lambda: house.connections == 0)


# --- clients that leave -----------------------------------------------------------------------------------


def test_work_is_cancelled_when_its_client_resets_the_connection(house: House) -> None:
    wire = house.connect().send(get("/hold"))
    assert house.held.wait(DEADLINE)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()
    assert house.cancelled.wait(DEADLINE)


def test_work_is_cancelled_when_its_client_closes(house: House) -> None:
    with house.connect() as wire:
        wire.send(get("/hold"))
        assert house.held.wait(DEADLINE)
    assert house.cancelled.wait(DEADLINE)


def test_a_client_that_is_done_sending_still_gets_its_answers(house: House) -> None:
    with house.connect() as wire:
        wire.send(get("/echo") + get("/hold"))
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.answer().status == 200
        assert house.held.wait(DEADLINE)
        house.release()
        answer = wire.answer()
        while answer.status == 100:  # how the server finds out whether we are still there
            answer = wire.answer()
        assert answer.body == b"released"
        assert wire.closed()


def test_half_a_request_is_forgotten_when_its_client_leaves(house: House) -> None:
    with house.connect() as wire:
        wire.send(b"POST /body HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.closed()
    until(lambda: house.connections == 0)
    assert house.seen == []


def test_pipelined_requests_are_answered_in_order_and_not_read_without_end(house: House) -> None:
    with house.connect() as wire:
        wire.send(get("/hold"))
        assert house.held.wait(DEADLINE)
        wire.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            wire.send(get("/echo") * 2_000_000)
        wire.socket.settimeout(DEADLINE)
        house.release()
        assert wire.answer().body == b"released"
        assert wire.answer().json["path"] == "/echo"


def test_the_error_is_readable_even_if_the_client_goes_on_sending(house: House) -> None:
    with house.connect() as wire:
        wire.send(get("/nothing"))
        wire.send(b"x" * 2**20)
        assert wire.answer().status == 404
        assert wire.closed()


def test_a_large_answer_arrives_whole(house: House) -> None:
    with house.connect() as wire:
        assert wire.get("/large/50000000").body == b"x" * 50_000_000
        assert wire.send(get("/large/5000000", "1.0")).answer().body == b"x" * 5_000_000
        assert wire.closed()


# --- slow clients -----------------------------------------------------------------------------------------


def impatient(**patience: float) -> House:
    return House(Config(**FREE, **{"header_timeout": 0.2, "body_timeout": 0.2, "keep_alive_timeout": 0.2, **patience}))


def test_a_client_that_never_says_anything_is_let_go() -> None:
    with impatient() as house, house.connect() as wire:
        assert wire.closed()


def test_a_slow_head_is_given_up() -> None:
    with impatient() as house, house.connect() as wire:
        wire.send(b"GET /echo HT")
        answer = wire.answer()
        assert (answer.status, answer.json["type"]) == (408, "RequestTimeoutException")
        assert wire.closed()


def test_a_slow_body_is_given_up() -> None:
    with impatient() as house, house.connect() as wire:
        wire.send(b"POST /body HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
        assert wire.answer().status == 408
        assert wire.closed()


def test_an_idle_connection_is_closed_without_a_word() -> None:
    with impatient(header_timeout=DEADLINE) as house, house.connect() as wire:
        assert wire.get().status == 200
        assert wire.closed()


def test_a_client_that_does_not_read_is_dropped() -> None:
    with impatient() as house, house.connect() as wire:
        wire.send(get("/endless")).head()
        assert house.closed_stream.wait(DEADLINE)
        until(lambda: house.connections == 0)


def test_a_slow_endpoint_is_no_slow_client() -> None:
    with impatient() as house, house.connect() as wire:
        wire.send(get("/hold"))
        assert not house.cancelled.wait(0.6)
        house.release()
        assert wire.answer().body == b"released"


# --- a server that stops ----------------------------------------------------------------------------------


@LOOPS
def test_stopping_lets_running_requests_finish(uv: bool) -> None:
    with House(Config(**FREE), uv=uv) as house, house.connect() as busy, house.connect() as idle:
        assert idle.get().status == 200
        port = house.port
        busy.send(get("/hold"))
        assert house.held.wait(DEADLINE)
        closing = house.begin_closing(DEADLINE)
        assert idle.closed()
        with pytest.raises(OSError):
            house.connect(port)
        house.release()
        answer = busy.answer()
        assert (answer.body, answer.headers["connection"]) == (b"released", "close")
        assert busy.closed()
        closing.result(DEADLINE)


@LOOPS
def test_stopping_does_not_wait_for_ever(uv: bool) -> None:
    with House(Config(**FREE), uv=uv) as house, house.connect() as busy:
        busy.send(get("/hold"))
        assert house.held.wait(DEADLINE)
        house.begin_closing(0.1).result(DEADLINE)
        assert house.cancelled.wait(DEADLINE)


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "text", "expected"),
    [
        ("inference_address", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("inference_address", "HTTP://0.0.0.0", "http://0.0.0.0:80"),
        ("inference_address", "https://h", "https://h:443"),
        ("management_address", "http://h", "http://h:8081"),
        ("management_address", "https://h/", "https://h:8444"),
        ("metrics_address", "https://h", "https://h:8445"),
        ("inference_address", "http://[::1]:9", "http://[::1]:9"),
        ("inference_address", "Unix:/tmp/a.sock", "unix:/tmp/a.sock"),
    ],
)
def test_addresses_are_read(setting: str, text: str, expected: str) -> None:
    assert str(parse(setting, text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1:8080", "ftp://h", "http://", "http://h:x", "http://h:70000", "http://h/p", "http://u@h", "unix:a"],
)
def test_other_addresses_are_refused_with_the_setting(text: str) -> None:
    with pytest.raises(ConfigError, match="Invalid binding address: inference_address="):
        parse("inference_address", text)


def test_equal_addresses_share_a_listener() -> None:
    same = "http://127.0.0.1:80"
    apart = bindings(Config())
    assert [binding.listener for binding in apart] == [Listener.INFERENCE, Listener.MANAGEMENT, Listener.METRICS]
    combined = bindings(Config(inference_address=same, management_address=same))
    assert [binding.listener for binding in combined] == [Listener.ALL, Listener.METRICS]
    everything = bindings(Config(inference_address=same, management_address=same, metrics_address=same))
    assert [binding.listener for binding in everything] == [Listener.ALL]
    assert len(bindings(Config(enable_metrics_api=False))) == 2
    two = bindings(Config(metrics_address="http://127.0.0.1:8081"))
    assert [binding.listener for binding in two] == [Listener.INFERENCE, Listener.MANAGEMENT | Listener.METRICS]


def test_an_address_in_use_is_named_with_its_setting(house: House) -> None:
    taken = f"http://127.0.0.1:{house.port}"
    with pytest.raises(ConfigError, match=rf"{taken} \(management_address\): another process listens there"):
        House(Config(**{**FREE, "management_address": taken})).__enter__()


def test_unix_sockets_are_served_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    config = Config(**{**FREE, "inference_address": f"unix:{path}"})
    with House(config) as house:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(path))
        with Wire(connection) as wire:
            assert wire.get().json["remote"] == "unix"
        with pytest.raises(ConfigError, match="another process listens there"):
            House(config).__enter__()
        assert house.port == 0
    assert not path.exists()


def test_the_socket_of_a_killed_server_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    config = Config(**{**FREE, "inference_address": f"unix:{path}"})
    with House(config):
        pass
    path.write_text("precious")
    with pytest.raises(ConfigError, match="no socket is in the way"):
        House(config).__enter__()
    assert path.read_text() == "precious"


# --- TLS --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(chain), *subject], check=True, capture_output=True)
    return chain, key


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def secure(request: pytest.FixtureRequest, certificate: tuple[Path, Path]) -> Iterator[House]:
    chain, key = str(certificate[0]), str(certificate[1])
    addresses = {**FREE, "inference_address": "https://127.0.0.1:0"}
    with House(Config(**addresses, certificate_file=chain, private_key_file=key), uv=request.param) as house:
        yield house


def test_https_answers(secure: House, certificate: tuple[Path, Path]) -> None:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    raw = socket.create_connection((HOST, secure.port), DEADLINE)
    with Wire(context.wrap_socket(raw, server_hostname=HOST)) as wire:
        assert wire.get().status == 200
        assert wire.get("/stream").body == b"one,two,three"
        assert wire.get("/large/3000000").body == b"x" * 3_000_000
        assert wire.get("/nothing").status == 404
        assert wire.closed()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(secure: House) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection((HOST, secure.port), DEADLINE) as raw, pytest.raises(ssl.SSLError):
        context.wrap_socket(raw)


def test_plain_http_on_a_tls_port_is_closed(secure: House, caplog: pytest.LogCaptureFixture) -> None:
    with secure.connect() as wire:
        wire.send(get("/echo"))
        assert b"200" not in wire.rest()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "needs certificate_file"),
        ({"certificate_file": "no.pem"}, "needs private_key_file"),
        ({"keystore": "k.p12"}, "keystore='k.p12' cannot be read"),
        ({"certificate_file": "no.pem", "private_key_file": "no.pem"}, "cannot be used"),
    ],
)
def test_https_without_a_usable_certificate_is_refused(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        House(Config(**{**FREE, "inference_address": "https://127.0.0.1:0"}, **settings)).__enter__()


# --- other settings ---------------------------------------------------------------------------------------


def test_cors_headers_are_on_every_answer_unless_the_handler_set_them() -> None:
    config = Config(**FREE, cors_allowed_origin="*", cors_allowed_methods="GET\r\nX: 1")
    with House(config) as house, house.connect() as wire:
        assert wire.get().headers["access-control-allow-origin"] == "*"
        assert wire.get("/headers").headers["access-control-allow-origin"] == "mine"
        assert wire.get("/headers").headers["access-control-allow-methods"] == "GETX: 1"
        assert wire.send(b"\0").answer().headers["access-control-allow-origin"] == "*"


def test_every_answer_is_recorded() -> None:
    lines: list[tuple[str, str, str, int]] = []

    def record(remote: str, method: str, target: str, status: int, milliseconds: float) -> None:
        assert 0 <= milliseconds < 10_000
        lines.append((remote, method, target, status))

    with House(Config(**FREE, max_request_size=5), record=record) as house, house.connect() as wire:
        me = "{}:{}".format(*wire.socket.getsockname())
        wire.get("/echo?a=1")
        wire.get("/stream")
        wire.send(b"POST /body HTTP/1.1\r\nContent-Length: 6\r\n\r\n123456").answer()
        wire.send(b"nonsense").answer()
    assert lines == [
        (me, "GET", "/echo?a=1", 200),
        (me, "GET", "/stream", 200),
        (me, "POST", "/body", 413),
        (me, "-", "-", 400),
    ]
