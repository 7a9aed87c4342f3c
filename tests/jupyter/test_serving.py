"""The endpoints behind a notebook server, under a base URL that needs quoting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tsnb.rest.routes import NO_CACHE

RAW = {"Content-Type": "application/octet-stream"}
"""tornado's client takes a POST for a form otherwise."""


@pytest.fixture
def serve(fetch: Any) -> Any:
    async def make(url: str, workers: int = 1) -> None:
        answer = await fetch("models", method="POST", params={"url": url, "initial_workers": str(workers)})
        assert answer.code == 200, answer.body

    return make


@pytest.fixture
def connect(http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]) -> Any:
    """A raw connection that has sent a request's head (and what body it is given)."""

    async def open_connection(line: str, *headers: str, body: bytes = b"") -> tuple[Any, Any]:
        method, path = line.split()
        url = urlsplit(http_server_client.get_url("/"))
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        auth = [f"{name}: {value}" for name, value in jp_auth_header.items()]
        lines = [f"{method} {jp_base_url}tsnb{path} HTTP/1.1", f"Host: {url.netloc}", *auth, *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        return reader, writer

    return open_connection


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something is so."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_model_is_registered_called_listed_scaled_and_unregistered(fetch, engine) -> None:
    made = await fetch("models", method="POST", params={"url": "echo.mar", "initial_workers": "1"})
    assert made.code == 200
    assert json.loads(made.body) == {"status": 'Model "echo" Version: 1.0 registered with 1 initial workers'}

    listed = await fetch("models")
    assert json.loads(listed.body) == {"models": [{"modelName": "echo", "modelUrl": "echo.mar"}]}
    scaled = await fetch("models", "echo", method="PUT", params={"min_worker": "2"})
    assert scaled.code == 202
    described = await fetch("models", "echo")
    assert [worker["id"] for worker in json.loads(described.body)[0]["workers"]] == ["9000", "9001"]
    gone = await fetch("models", "echo", method="DELETE")
    assert json.loads(gone.body) == {"status": 'Model "echo" unregistered'}
    assert (await engine()).statuses == [200, 200, 202, 200, 200]


async def test_an_answer_has_our_headers_and_no_type_of_its_own(fetch, serve) -> None:
    await serve("echo.mar")
    answer = await fetch("predictions", "echo", method="POST", body=b"hello", headers={"Content-Type": "text/plain"})
    assert (answer.code, answer.body, answer.reason) == (200, b"hello", "OK")
    assert "Content-Type" not in answer.headers
    assert "Etag" not in answer.headers
    assert len(answer.headers["x-request-id"]) == 36
    assert {name: answer.headers[name] for name in NO_CACHE} == NO_CACHE
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_handler_s_status_and_headers_pass(fetch, serve) -> None:
    await serve("headers.mar")
    answer = await fetch("predictions", "headers", method="PUT", headers={"X-Own": "1"})
    assert (answer.code, answer.reason) == (201, "Made")
    assert answer.headers["Content-Type"] == "application/json"
    seen = json.loads(answer.body)
    assert seen["id"] == answer.headers["x-request-id"]
    assert seen["headers"]["X-Own"] == "1"


async def test_a_handler_cannot_loosen_the_notebook_server_s_origin(fetch, serve) -> None:
    await serve("headers.mar")
    answer = await fetch("predictions", "headers")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "user=me" not in answer.headers.get_list("Set-Cookie")


async def test_errors_are_torchserve_s(fetch) -> None:
    missing = await fetch("predictions", "nope", method="POST")
    assert missing.code == 404
    assert missing.headers["Content-Type"] == "application/json"
    assert missing.body == (
        b'{\n  "code": 404,\n  "type": "ModelNotFoundException",\n  "message": "Model not found: nope"\n}\n'
    )
    assert (await fetch("nothing", "here")).code == 404
    assert json.loads((await fetch()).body)["type"] == "MethodNotAllowedException"
    assert json.loads((await fetch("models", method="PATCH")).body)["code"] == 405


async def test_the_openapi_document_and_the_owner_s_view(fetch, jp_root_dir) -> None:
    document = json.loads((await fetch("openapi.json")).body)
    assert {"/predictions/{model_name}", "/models", "/metrics", "/-/server"} <= set(document["paths"])
    server = json.loads((await fetch("-", "server")).body)
    assert server["model_store"] == str(jp_root_dir / "model_store")


async def test_head_has_no_body(fetch) -> None:
    got, head = await fetch("models"), await fetch("models", method="HEAD")
    assert (head.code, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.body))


class TestLargeBodies:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["TsnbApp"]["max_request_size"] = 1000
        jp_server_config["ServerApp"]["max_body_size"] = 500
        return jp_server_config

    async def test_the_limit_is_ours_and_not_the_notebook_server_s(self, fetch, serve) -> None:
        await serve("echo.mar")
        answer = await fetch("predictions", "echo", method="POST", body=b"x" * 1000, headers=RAW)
        assert (answer.code, len(answer.body)) == (200, 1000)

    async def test_a_large_body_is_refused_before_it_is_sent(self, connect) -> None:
        reader, writer = await connect("POST /predictions/echo", "Content-Length: 1001")
        text = (await asyncio.wait_for(reader.read(), 10)).decode()
        writer.close()
        assert text.startswith("HTTP/1.1 413 ")
        assert text.count("HTTP/1.1") == 1
        refused = json.loads(text.partition("\r\n\r\n")[2])
        assert refused == {
            "code": 413,
            "type": "RequestTooLargeException",
            "message": "The body has 1001 bytes, the limit is 1000. Raise it with c.TsnbApp.max_request_size.",
        }

    async def test_a_chunked_body_is_refused_where_it_passes_the_limit(self, connect) -> None:
        chunk = b"258\r\n" + b"x" * 600 + b"\r\n"
        reader, writer = await connect("POST /predictions/echo", "Transfer-Encoding: chunked", body=chunk + chunk)
        text = (await asyncio.wait_for(reader.read(), 10)).decode()
        writer.close()
        assert text.startswith("HTTP/1.1 413 ")
        assert "at least 1200 bytes" in json.loads(text.partition("\r\n\r\n")[2])["message"]

    async def test_a_stranger_s_body_is_not_read_at_all(self, connect, jp_auth_header) -> None:
        jp_auth_header.clear()
        reader, writer = await connect("POST /predictions/echo", "Content-Length: 900")
        text = (await asyncio.wait_for(reader.read(), 10)).decode()
        writer.close()
        assert text.startswith("HTTP/1.1 403 ")


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await asyncio.wait_for(reader.readline(), 10), 16)
    return (await reader.readexactly(size + 2))[:-2]


async def read_head(reader: asyncio.StreamReader) -> str:
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()


async def test_a_stream_arrives_part_by_part(connect, serve, engine) -> None:
    await serve("stream.mar")
    parts = (await engine()).next_part
    reader, writer = await connect("POST /predictions/stream", "Content-Length: 0")
    parts.put_nowait(b"one")
    head = await read_head(reader)
    assert "Transfer-Encoding: chunked" in head
    assert "X-Accel-Buffering: no" in head
    assert "text/plain" in head
    assert await read_chunk(reader) == b"one"
    parts.put_nowait(b"two")
    assert await read_chunk(reader) == b"two"
    parts.put_nowait(b"")
    assert await read_chunk(reader) == b""
    writer.close()


async def test_a_stream_that_breaks_off_is_not_ended_properly(connect, serve, engine) -> None:
    await serve("stream.mar")
    parts = (await engine()).next_part
    reader, writer = await connect("POST /predictions/stream", "Content-Length: 0")
    parts.put_nowait(b"one")
    parts.put_nowait(b"break")
    await read_head(reader)
    assert (await asyncio.wait_for(reader.read(), 10)) == b"3\r\none\r\n"
    writer.close()


@pytest.mark.parametrize("model", ["slow", "stream"])
async def test_a_client_that_leaves_cancels_its_prediction(connect, serve, engine, tsnb_app, model: str) -> None:
    await serve(f"{model}.mar")
    small = await engine()
    reader, writer = await connect(f"POST /predictions/{model}", "Content-Length: 0")
    if model == "stream":
        small.next_part.put_nowait(b"one")
        await read_head(reader)
    else:
        await asyncio.wait_for(small.waiting.wait(), 10)
    assert tsnb_app.current_activity() == 1
    writer.close()
    await asyncio.wait_for(small.cancelled.wait(), 10)
    await until(lambda: tsnb_app.current_activity() == 0)


async def test_predictions_count_as_activity_and_looking_does_not(fetch, serve, jp_serverapp) -> None:
    await serve("echo.mar")
    settings = jp_serverapp.web_app.settings
    settings["api_last_activity"] = start = settings["api_last_activity"] - timedelta(hours=1)
    for path in [("-", "models"), ("models",), ("ping",), ("metrics",)]:
        assert (await fetch(*path)).code == 200
    assert settings["api_last_activity"] == start
    await fetch("predictions", "echo", method="POST")
    assert settings["api_last_activity"] > start
