"""Answers that do not come from tsnb: nobody, a login page, a hub, a proxy, another program."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tsnb.client import Client
from tsnb.errors import InvalidKey, NotFound, RequestTimeout, RequestTooLarge, ServerUnreachable, TsnbError

ANSWERS = {
    "login": (302, {"location": "/login?next=x"}, b""),
    "page": (200, {"content-type": "text/html"}, b"<html>hello</html>"),
    "forbidden": (403, {"content-type": "application/json"}, b'{"message": "Forbidden", "reason": "no token"}'),
    "missing": (404, {"content-type": "application/json"}, b'{"message": "Not Found", "reason": null}'),
    "large": (413, {}, b""),
    "proxy": (502, {"content-type": "text/html"}, b"<html>bad gateway</html>"),
    "other": (200, {"content-type": "application/json"}, b'{"who": "another program"}'),
}


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = self.path.split("/")[1]
        if kind == "silent":
            self.server.stop.wait(20)  # type: ignore[attr-defined]
            return
        if kind == "broken":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, body = ANSWERS[kind]
        self.send_response(status)
        for key, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        server.stop = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.stop.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("login", InvalidKey, "did not let this client in"),
        ("page", ServerUnreachable, "a web page"),
        ("forbidden", InvalidKey, "no token"),
        ("missing", NotFound, "jupyter server extension list"),
        ("large", RequestTooLarge, "max_request_size"),
        ("proxy", ServerUnreachable, "proxy"),
    ],
)
def test_others_are_told_apart(stranger: str, kind: str, error: type[TsnbError], words: str) -> None:
    with Client(f"{stranger}/{kind}/") as client:
        with pytest.raises(error, match=words):
            client.models()
        with pytest.raises(error, match=words):
            client.predict("digits", {"x": 1})


def test_another_programs_json_is_no_answer(stranger: str) -> None:
    with Client(f"{stranger}/other/") as client:
        for ask in (client.models, client.metrics, lambda: client.scale("m", 1), lambda: client.failure("x")):
            with pytest.raises(ServerUnreachable, match="not as a tsnb server does"):
                ask()


def test_an_answer_that_breaks_off(stranger: str) -> None:
    with Client(f"{stranger}/broken/") as client, pytest.raises(ServerUnreachable, match="broke before"):
        client.predict("digits", 1)


def test_an_answer_that_does_not_come(stranger: str) -> None:
    with Client(f"{stranger}/silent/") as client:
        with pytest.raises(RequestTimeout, match="within 200 ms"):
            client.predict("digits", 1, timeout=0.2)
        with pytest.raises(RequestTimeout, match="within 200 ms"):
            asyncio.run(client.predict_async("digits", 1, timeout=0.2))


def test_nobody_there() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with Client(url) as client, pytest.raises(ServerUnreachable, match=f"Nobody answers at {url}.*tsnb serve"):
        client.models()
