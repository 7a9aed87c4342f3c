"""What the owner sees under ``/-/``, and the metrics."""

from __future__ import annotations

import json
import os
import platform

import msgspec

from tsnb import __version__
from tsnb.messages import Failure, LogLine


def test_server(send, doors) -> None:
    found = json.loads(send("GET /-/server").body)
    assert isinstance(found.pop("devices"), list)
    assert 0 < found["memory"]["available"] <= found.pop("memory")["total"]
    assert found.pop("cpus") >= 1
    assert found == {
        "name": "tsnb",
        "version": __version__,
        "pid": os.getpid(),
        "model_store": "store",
        "python": platform.python_version(),
    }


def test_models_shows_every_version_without_its_manifest(send, serve) -> None:
    serve("echo.mar")
    serve("echo2.mar", "echo")
    serve("echo.mar", "other")
    found = json.loads(send("GET /-/models").body)["models"]
    assert [(each["spec"]["name"], each["spec"]["version"]) for each in found] == [
        ("echo", "1.0"),
        ("echo", "2.0"),
        ("other", "1.0"),
    ]
    assert [each["default"] for each in found] == [True, False, True]
    assert found[0]["workers"][0]["id"] == "9000"
    assert "manifest" not in found[0]["spec"]
    assert len(json.loads(send("GET /-/models/echo").body)["models"]) == 2
    assert send("GET /-/models/nope").status == 404


def test_logs_after_a_time(send, serve) -> None:
    serve("echo.mar")
    lines = msgspec.json.decode(send("GET /-/logs/echo").body, type=dict[str, list[LogLine]])["lines"]
    assert [line.text for line in lines] == ["old", "new"]
    later = json.loads(send("GET /-/logs/echo?after=1.5&version=1.0").body)["lines"]
    assert [line["text"] for line in later] == ["new"]
    assert len(json.loads(send("GET /-/logs/echo?after=soon").body)["lines"]) == 2
    assert send("GET /-/logs/nope").status == 404


def test_a_failure_is_told_to_the_owner_only(send, serve) -> None:
    serve("broken.mar")
    answer = send("POST /predictions/broken", id="request-5")
    assert b"secret" not in answer.body
    found = msgspec.json.decode(send("GET /-/failures/request-5").body, type=Failure)
    assert found.traceback == "Traceback: /secret/place/handler.py"
    unknown = json.loads(send("GET /-/failures/nobody").body)
    assert unknown["code"] == 404
    assert "nobody" in unknown["message"]


def test_metrics_are_prometheus_text_and_can_be_chosen(send) -> None:
    answer = send("GET /metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.body == b"# TYPE Requests2XX counter\n"
    assert send("POST /metrics/more?name[]=A&name[]=B").body == b"# TYPE A counter\n# TYPE B counter\n"
