"""Signed downloads: the examples of the S3 documentation, and a server that gets the headers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tsnb.config import Config
from tsnb.engine.aws import signed
from tsnb.engine.sources import resolve
from tsnb.errors import BadRequest

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": "us-east-1",
}
NOW = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
HOST = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("target", "signature"),
    [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ("/?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_signatures_are_those_of_the_documentation(target: str, signature: str) -> None:
    assert signed(HOST + target, CREDENTIALS, NOW)["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature={signature}"
    )


def test_a_session_token_is_signed_too() -> None:
    headers = signed(f"{HOST}/m.mar", {**CREDENTIALS, "AWS_SESSION_TOKEN": "session"}, NOW)
    assert headers["x-amz-security-token"] == "session"
    assert "x-amz-date;x-amz-security-token" in headers["Authorization"]


def test_missing_credentials_are_named() -> None:
    with pytest.raises(BadRequest, match="lacks AWS_ACCESS_KEY_ID, AWS_DEFAULT_REGION"):
        signed(f"{HOST}/m.mar", {"AWS_SECRET_ACCESS_KEY": "x"}, NOW)


@pytest.fixture
def asked() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The URL of a server that answers anything, and the headers that it got."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append(dict(self.headers))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("wanted", [True, False])
def test_a_download_carries_the_signature_where_it_is_wanted(
    asked: tuple[str, list[dict[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    url, got = asked
    assert resolve(f"{url}/a%20b.mar", Config(model_store=str(tmp_path)), signed=wanted).read_bytes() == b"ok"
    assert ("Authorization" in got[0]) is wanted
    if wanted:
        assert got[0]["host"] == url.removeprefix("http://")
