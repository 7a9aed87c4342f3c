"""Predictions: what the handler sees, and what the client gets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tsnb.rest.routes import Request, dispatch


@pytest.fixture
def seen(send, serve):
    """What the handler saw of a request."""
    serve("headers.mar", "m")

    def call(line: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        return json.loads(send(line, body, headers).body)

    return call


def test_ping_is_healthy_until_a_default_version_lacks_workers(send, serve) -> None:
    answer = send("GET /ping")
    assert (answer.status, answer.body) == (200, b'{\n  "status": "Healthy"\n}\n')
    serve("echo.mar", workers=0)
    answer = send("GET /ping")
    assert (answer.status, answer.body) == (500, b'{\n  "status": "Unhealthy"\n}\n')


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_any_method_runs_the_model(send, serve, method: str) -> None:
    serve("echo.mar")
    assert send(f"{method} /predictions/echo", b"hi").body == b"hi"


@pytest.mark.parametrize(
    ("path", "added"),
    [
        ("/predictions/m", {"explain": "False", "url_path": ""}),
        ("/predictions/m/1.0/v1/chat", {"explain": "False", "url_path": "v1/chat"}),
        ("/explanations/m", {"explain": "True", "url_path": ""}),
        ("/explanations/m/1.0", {"explain": "True", "url_path": ""}),
        ("/v1/models/m:predict", {"explain": "False"}),
        ("/v1/models/m:explain", {"explain": "True"}),
        ("/v2/models/m/infer", {"explain": "False"}),
        ("/v2/models/m/explain", {"explain": "True"}),
        ("/models/m/invoke", {}),
        ("/m/predict", {}),
        ("/m/1.0/predict", {}),
        ("/invocations?model_name=m", {}),
    ],
)
def test_headers_that_the_server_adds(seen, path: str, added: dict[str, str]) -> None:
    headers = {"X-Own": "1", "explain": "mine", "Content-Length": "1"}
    expected = {"X-Own": "1", "explain": "mine", "Content-Length": "1", **added}
    assert seen(f"POST {path}", b"1", headers)["headers"] == expected


def test_a_request_without_a_body_has_a_length_of_zero(seen) -> None:
    assert seen("GET /predictions/m")["headers"]["content-length"] == "0"
    assert seen("GET /predictions/m")["parameters"] == [["body", "", ""]]


def test_query_parameters_reach_the_handler_on_old_routes_only(seen) -> None:
    assert seen("POST /predictions/m?q=1", b"x")["parameters"] == [["body", "x", ""]]
    for path in ["/models/m/invoke", "/m/predict", "/m/1.0/predict"]:
        assert seen(f"POST {path}?q=1", b"x")["parameters"] == [["q", "1", ""], ["body", "x", ""]]


def test_invocations_find_their_model(send, serve, seen, error) -> None:
    parameters = seen("POST /invocations?model_name=m&q=1", b"x")["parameters"]
    assert parameters == [["model_name", "m", ""], ["q", "1", ""], ["body", "x", ""]]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert seen("POST /invocations", b"model_name=m", form)["parameters"] == [["model_name", "m", ""]]
    assert send("POST /invocations", b"x").body == error(
        400, "BadRequestException", "Parameter model_name is required."
    )
    serve("echo.mar", at_startup=True)
    assert send("POST /invocations", b"the only one").body == b"the only one"
    serve("headers.mar", "other", at_startup=True)
    assert send("POST /invocations", b"x").status == 400


def test_the_handler_s_status_reason_and_headers_are_sent(send, serve) -> None:
    serve("headers.mar")
    answer = send("POST /predictions/headers")
    assert (answer.status, answer.reason) == (201, "Made")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["X-Own"] == "a  b"
    assert "Content-Length" not in answer.headers


def test_no_content_type_unless_the_handler_sets_one(send, serve) -> None:
    serve("echo.mar")
    answer = send("POST /predictions/echo", b"{}", {"Content-Type": "application/json"})
    assert {name.lower() for name in answer.all_headers()} == {"x-request-id", "pragma", "cache-control", "expires"}
    assert answer.reason == ""


@pytest.mark.parametrize(
    ("path", "status", "kind", "message"),
    [
        ("/predictions/nope", 404, "ModelNotFoundException", "Model not found: nope"),
        (
            "/predictions/echo/9",
            404,
            "ModelVersionNotFoundException",
            "Model version: 9 does not exist for model: echo",
        ),
        ("/predictions/broken", 503, "InternalServerException", "Prediction failed"),
        (
            "/predictions/idle",
            503,
            "ServiceUnavailableException",
            'Model "idle" has no worker to serve inference request. Please use scale workers API to add workers. '
            "If this is a sequence inference, please check if it is closed, or expired; or exceeds "
            "maxSequenceJobQueueSize",
        ),
        (
            "/predictions/odd",
            503,
            "InternalServerException",
            "The handler set response status 42; use one from 200 to 599.",
        ),
    ],
)
def test_errors(send, serve, error, path: str, status: int, kind: str, message: str) -> None:
    for url in ["echo.mar", "broken.mar", "odd.mar"]:
        serve(url)
    serve("echo.mar", "idle", workers=0)
    answer = send(f"POST {path}")
    assert (answer.status, answer.body) == (status, error(status, kind, message))
    assert answer.headers["content-type"] == "application/json"


def test_a_stream_is_passed_on_part_by_part(doors, serve) -> None:
    serve("stream.mar")
    parts = doors.engine.next_part
    for part in [b"one", b"empty", b"two", b""]:
        parts.put_nowait(part)

    async def read() -> list[bytes]:
        answer = await dispatch(doors, Request("POST", "/predictions/stream"))
        assert answer.headers["content-type"] == "text/plain"
        assert answer.chunks is not None
        return [answer.body, *[chunk async for chunk in answer.chunks]]

    assert asyncio.run(read()) == [b"one", b"two"]


def test_closing_a_stream_cancels_it(doors, serve) -> None:
    serve("stream.mar")
    for part in [b"one", b"two"]:
        doors.engine.next_part.put_nowait(part)

    async def leave() -> bool:
        answer = await dispatch(doors, Request("POST", "/predictions/stream"))
        assert answer.chunks is not None
        assert await anext(answer.chunks) == b"two"
        await answer.close()
        return doors.engine.cancelled.is_set()

    assert asyncio.run(leave())


def test_kserve_readiness(send, serve, error) -> None:
    serve("echo.mar")
    serve("echo.mar", "idle", workers=0)
    assert send("GET /v1/models/echo").body == b'{\n  "name": "echo",\n  "ready": true\n}\n'
    assert json.loads(send("GET /v1/models/idle").body) == {"name": "idle", "ready": False}
    assert send("GET /v1/models/nope").body == error(404, "ModelNotFoundException", "Model not found: nope")
