"""The table: which endpoint answers what, and what every answer has."""

from __future__ import annotations

import asyncio
import json

import pytest

from tsnb.errors import MethodNotAllowed, NotFound
from tsnb.rest.routes import NO_CACHE, ROUTES, Listener, Request, find, match, refusal, split


def name(method: str, path: str, listener: Listener = Listener.ALL) -> tuple[str, dict[str, str]]:
    request = Request(method, path, listener=listener)
    return find(request).endpoint.__name__, request.params


@pytest.mark.parametrize(
    ("line", "endpoint", "params"),
    [
        ("GET /ping", "ping", {"rest": ""}),
        ("PUT /ping/more", "ping", {"rest": "more"}),
        ("GET /predictions/m", "predictions", {"model_name": "m"}),
        ("POST /predictions/m/", "predictions", {"model_name": "m"}),
        ("POST /predictions/m/1.0", "predictions", {"model_name": "m", "model_version": "1.0", "url_path": ""}),
        (
            "POST /predictions/m/1.0/v1/chat%2Fa/b",
            "predictions",
            {"model_name": "m", "model_version": "1.0", "url_path": "v1/chat/a/b"},
        ),
        ("POST /predictions/%73quare%2Fx", "predictions", {"model_name": "square/x"}),
        ("GET /predictions/predict", "predictions", {"model_name": "predict"}),
        ("POST /explanations/m", "explanations", {"model_name": "m"}),
        ("POST /v1/models/m:predict", "kserve_predictions", {"model_name": "m"}),
        ("POST /v1/models/:predict", "kserve_predictions", {"model_name": ""}),
        ("POST /v1/models/m:explain", "kserve_explanations", {"model_name": "m"}),
        ("POST /v2/models/m/infer", "kserve_predictions", {"model_name": "m"}),
        ("GET /v1/models/m", "kserve_ready", {"model_name": "m"}),
        ("POST /models/m/invoke", "invoke", {"model_name": "m"}),
        ("POST /m/predict", "legacy_predict", {"model_name": "m"}),
        ("POST /m/1.0/predict", "legacy_predict", {"model_name": "m", "model_version": "1.0"}),
        ("GET /models", "list_models", {}),
        ("HEAD /models/", "list_models", {}),
        ("GET /models/m", "describe_model", {"model_name": "m"}),
        ("GET /models/m/1.0/set-default", "describe_model", {"model_name": "m", "model_version": "1.0"}),
        ("PUT /models/m/1.0/set-default", "set_default", {"model_name": "m", "model_version": "1.0"}),
        ("OPTIONS /", "api_description", {}),
        ("PATCH /metrics", "metrics", {"rest": ""}),
    ],
)
def test_paths_find_their_endpoint(line: str, endpoint: str, params: dict[str, str]) -> None:
    method, _, path = line.partition(" ")
    assert name(method, path) == (endpoint, params)


@pytest.mark.parametrize("path", ["/predictions", "/nothing", "/models/m/1.0/x", "/Ping", "//ping"])
def test_other_paths_are_unknown(path: str) -> None:
    with pytest.raises(NotFound, match=r"^Requested resource is not found, please refer to API document.$"):
        name("GET", path)


@pytest.mark.parametrize("line", ["GET /", "PUT /models", "POST /models/m", "PUT /v1/models/m", "POST /-/server"])
def test_known_paths_refuse_other_methods(line: str) -> None:
    method, _, path = line.partition(" ")
    with pytest.raises(MethodNotAllowed, match=r"^Requested method is not allowed, please refer to API document.$"):
        name(method, path)


def test_a_listener_answers_its_own_routes_only() -> None:
    assert name("GET", "/models", Listener.MANAGEMENT)[0] == "list_models"
    for path, listener in [
        ("/models", Listener.INFERENCE),
        ("/ping", Listener.MANAGEMENT),
        ("/-/server", Listener.INFERENCE),
        ("/metrics", Listener.INFERENCE),
    ]:
        with pytest.raises(NotFound):
            name("GET", path, listener)


def test_matching_parts() -> None:
    assert match(("a", "{b}:c"), ["a", "x:c"]) == {"b": "x"}
    assert match(("a", "{b}:c"), ["a", "x:d"]) is None
    assert match(("a", "{b...}"), ["a"]) == {"b": ""}
    assert match(("a",), ["a", "b"]) is None
    assert split("/a/b%2Fc//") == ["a", "b/c"]


def test_what_changes_models_is_marked_so_and_what_runs_them_too() -> None:
    for route in ROUTES:
        writes = set(route.methods) & {"POST", "PUT", "DELETE"}
        if route.listener == Listener.MANAGEMENT and writes:
            assert route.access == "manage", route.path
        runs = "{model_name}" in route.path and route.listener == Listener.INFERENCE and "OPTIONS" not in route.methods
        others = ("invocations", "predict_workflow")
        assert (route.access == "infer") == (runs or route.endpoint.__name__ in others), route.path


def test_every_route_says_what_it_does() -> None:
    assert all(route.summary.endswith(".") or "." in route.summary for route in ROUTES)
    assert len({(route.path, method) for route in ROUTES for method in route.methods}) == sum(
        len(route.methods) for route in ROUTES
    )


def test_every_answer_has_the_server_s_id_and_is_not_cached(send, serve) -> None:
    serve("headers.mar")
    answer = send("GET /predictions/headers", id="request-1")
    assert answer.all_headers()["x-request-id"] == "request-1"
    assert json.loads(answer.body)["id"] == "request-1"
    assert {key: answer.all_headers()[key] for key in NO_CACHE} == NO_CACHE
    assert "pragma" not in answer.all_headers()
    assert send("GET /nothing", id="request-2").all_headers()["x-request-id"] == "request-2"


def test_an_unexpected_error_is_logged_and_tells_the_client_nothing(send, serve, caplog) -> None:
    serve("bug.mar")
    answer = send("POST /predictions/bug", id="request-3")
    assert answer.status == 500
    assert json.loads(answer.body) == {
        "code": 500,
        "type": "InternalServerException",
        "message": "Unexpected error; the server's log tells more under request-3.",
    }
    assert "/secret/place is broken" in caplog.text
    assert "request-3" in caplog.text


def test_head_has_the_headers_of_get_and_no_body(send) -> None:
    got, head = send("GET /models"), send("HEAD /models")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(got.body))


def test_head_of_a_stream_cancels_it(send, serve, doors) -> None:
    serve("stream.mar")
    doors.engine.next_part.put_nowait(b"one")
    head = send("HEAD /predictions/stream")
    assert (head.status, head.body, head.chunks) == (200, b"", None)


def test_answers_are_counted_by_status(send, doors) -> None:
    for line in ["GET /ping", "GET /nothing", "POST /models"]:
        send(line)
    assert doors.engine.statuses == [200, 404, 400]


def test_a_refusal_looks_like_any_error() -> None:
    request = Request("GET", "/", id="request-4")
    answer = refusal(request, NotFound("nothing here"))
    assert answer.all_headers()["x-request-id"] == "request-4"
    assert json.loads(answer.body)["type"] == "ResourceNotFoundException"


def test_cancellation_passes_through(doors, serve) -> None:
    serve("slow.mar")

    async def cancel() -> None:
        from tsnb.rest.routes import dispatch

        work = asyncio.ensure_future(dispatch(doors, Request("POST", "/predictions/slow")))
        await doors.engine.waiting.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert doors.engine.cancelled.is_set()

    asyncio.run(cancel())
