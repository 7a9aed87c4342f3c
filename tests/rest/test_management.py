"""Register, scale, describe, list, unregister: TorchServe's words, byte for byte."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec
import pytest

from tsnb.rest.descriptions import description


def status(text: str) -> bytes:
    return (json.dumps({"status": text}, indent=2) + "\n").encode()


JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        (
            "POST /models?url=echo.mar",
            200,
            'Model "echo" Version: 1.0 registered with 0 initial workers. '
            "Use scale workers API to add workers for the model.",
        ),
        (
            "POST /models?url=echo.mar&synchronous=false",
            200,
            'Model "echo" Version: 1.0 registered with 0 initial workers. '
            "Use scale workers API to add workers for the model.",
        ),
        (
            "POST /models?url=echo.mar&initial_workers=2",
            200,
            'Model "echo" Version: 1.0 registered with 2 initial workers',
        ),
        (
            "POST /models?url=echo.mar&initial_workers=2&synchronous=TRUE",
            200,
            'Model "echo" Version: 1.0 registered with 2 initial workers',
        ),
        ("POST /models?url=echo.mar&initial_workers=2&synchronous=-1", 202, "Processing worker updates..."),
        (
            "POST /models?url=echo.mar&initial_workers=-3",
            200,
            'Model "echo" Version: 1.0 registered with 0 initial workers. '
            "Use scale workers API to add workers for the model.",
        ),
    ],
)
def test_register(send, line: str, code: int, text: str) -> None:
    answer = send(line)
    assert (answer.status, answer.body) == (code, status(text))


def test_register_reads_a_json_body_and_then_no_query(send, doors) -> None:
    values = {"url": "echo.mar", "model_name": "m", "batch_size": 8, "initial_workers": "1", "synchronous": True}
    answer = send("POST /models?url=other.mar", json.dumps(values).encode(), JSON)
    assert answer.body == status('Model "m" Version: 1.0 registered with 1 initial workers')
    spec = doors.engine.describe("m")[0].spec
    assert (spec.url, spec.batch_size, spec.max_batch_delay) == ("echo.mar", 8, 100)


def test_register_passes_on_every_parameter(send, doors) -> None:
    send(
        "POST /models?url=echo.mar&model_name=m&handler=h.py:f&runtime=python3&batch_size=4&max_batch_delay=5"
        "&initial_workers=1&response_timeout=6&startup_timeout=7"
    )
    spec = doors.engine.describe("m")[0].spec
    assert (spec.handler, spec.runtime, spec.batch_size, spec.max_batch_delay) == ("h.py:f", "python3", 4, 5)
    assert (spec.min_workers, spec.response_timeout, spec.startup_timeout) == (1, 6, 7)


def test_numbers_that_are_none_and_torchserve_s_own_defaults_count_as_not_given(send, doors) -> None:
    send("POST /models?url=echo.mar&batch_size=-1&max_batch_delay=-100&response_timeout=soon&initial_workers=x")
    spec = doors.engine.describe("echo")[0].spec
    assert (spec.batch_size, spec.max_batch_delay, spec.response_timeout, spec.min_workers) == (1, 100, 120, 0)


@pytest.mark.parametrize(
    ("query", "code", "kind", "message"),
    [
        ("", 400, "BadRequestException", "Parameter url is required."),
        ("?url=", 404, "ModelNotFoundException", "empty url"),
        ("?url=echo.mar&runtime=java", 400, "BadRequestException", "Invalid RuntimeType value: java"),
        (
            "?url=echo.mar",
            409,
            "ConflictStatusException",
            "Model version 1.0 is already registered for model echo",
        ),
    ],
)
def test_register_refuses(send, serve, error, query: str, code: int, kind: str, message: str) -> None:
    serve("echo.mar")
    answer = send(f"POST /models{query}")
    assert (answer.status, answer.body) == (code, error(code, kind, message))


@pytest.mark.parametrize("body", [b"{bad", b"[1]", b"\xff"])
def test_register_refuses_a_body_that_is_no_object(send, body: bytes) -> None:
    answer = send("POST /models", body, JSON)
    assert answer.status == 400
    assert "Send an object of register parameters." in json.loads(answer.body)["message"]


def test_register_says_when_workers_fail(send, doors, error) -> None:
    doors.engine.fail_workers = True
    answer = send("POST /models?url=echo.mar&initial_workers=1")
    message = "Failed to start workers for model echo version: 1.0"
    assert answer.body == error(500, "InternalServerException", message)


def test_without_the_model_api_nothing_is_registered_or_unregistered(doors, send, serve, error) -> None:
    serve("echo.mar")
    doors.config = type(doors.config)(enable_model_api=False)
    refused = error(405, "MethodNotAllowedException", "Requested method is not allowed, please refer to API document.")
    assert send("POST /models?url=echo2.mar").body == refused
    assert send("DELETE /models/echo").body == refused
    assert send("PUT /models/echo?min_worker=2").status == 202
    assert send("GET /models/echo").status == 200


@pytest.mark.parametrize(
    ("target", "code", "text"),
    [
        ("/models/echo", 202, "Processing worker updates..."),
        ("/models/echo?min_worker=3&synchronous=true", 200, "Workers scaled to 3 for model: echo"),
        ("/models/echo/1.0?min_worker=3&synchronous=true", 200, "Workers scaled to 3 for model: echo, version: 1.0"),
        ("/models/echo?model_version=1.0&synchronous=true", 200, "Workers scaled to 1 for model: echo, version: 1.0"),
        ("/models/echo?min_worker=0&synchronous=true", 200, "Workers scaled to 0 for model: echo"),
    ],
)
def test_scale(send, serve, target: str, code: int, text: str) -> None:
    serve("echo.mar")
    answer = send(f"PUT {target}")
    assert (answer.status, answer.body) == (code, status(text))


def test_scale_takes_a_range(send, serve, doors) -> None:
    serve("echo.mar")
    send("PUT /models/echo?min_worker=2&max_worker=4")
    spec = doors.engine.describe("echo")[0].spec
    assert (spec.min_workers, spec.max_workers) == (2, 4)


@pytest.mark.parametrize(
    ("target", "code", "kind", "message"),
    [
        (
            "/models/echo?min_worker=2&max_worker=1",
            400,
            "BadRequestException",
            "max_worker cannot be less than min_worker.",
        ),
        ("/models/nope", 404, "ModelNotFoundException", "Model not found: nope"),
        ("/models/echo/9", 404, "ModelVersionNotFoundException", "Model version: 9 does not exist for model: echo"),
    ],
)
def test_scale_refuses(send, serve, error, target: str, code: int, kind: str, message: str) -> None:
    serve("echo.mar")
    answer = send(f"PUT {target}")
    assert (answer.status, answer.body) == (code, error(code, kind, message))


def test_describe_has_torchserve_s_keys_in_its_order(send, serve) -> None:
    serve("echo.mar")
    started = datetime.fromtimestamp(1_700_000_000.25).isoformat(timespec="milliseconds") + "Z"
    expected = {
        "modelName": "echo",
        "modelVersion": "1.0",
        "modelUrl": "echo.mar",
        "runtime": "python",
        "minWorkers": 1,
        "maxWorkers": 1,
        "batchSize": 1,
        "maxBatchDelay": 100,
        "responseTimeout": 120,
        "startupTimeout": 120,
        "maxRetryTimeoutInSec": 300,
        "clientTimeoutInMills": 0,
        "parallelType": "",
        "parallelLevel": 0,
        "deviceType": "cpu",
        "continuousBatching": False,
        "useJobTicket": False,
        "useVenv": False,
        "stateful": False,
        "sequenceMaxIdleMSec": 0,
        "sequenceTimeoutMSec": 0,
        "maxNumSequence": 0,
        "maxSequenceJobQueueSize": 0,
        "loadedAtStartup": False,
        "workers": [
            {
                "id": "9000",
                "startTime": started,
                "status": "READY",
                "memoryUsage": 1024,
                "pid": 100,
                "gpu": False,
                "gpuUsage": "N/A",
            }
        ],
        "jobQueueStatus": {"remainingCapacity": 100, "pendingRequests": 0},
    }
    assert send("GET /models/echo").body == (json.dumps([expected], indent=2) + "\n").encode()


def test_describe_of_a_gpu_worker_that_is_loading(doors, serve) -> None:
    serve("echo.mar")
    found = doors.engine.describe("echo")[0]
    worker = msgspec.structs.replace(found.workers[0], device="cuda:1", state="loading", gpu_memory=3 * 2**20)
    spec = msgspec.structs.replace(found.spec, device_ids=(1, 2), response_timeout=1.5)
    shown = description(msgspec.structs.replace(found, workers=(worker,), spec=spec, queued=7))
    assert (shown["deviceType"], shown["deviceIds"], shown["responseTimeout"]) == ("gpu", [1, 2], 1.5)
    assert shown["workers"][0]["status"] == "UNLOADING"
    assert shown["workers"][0]["gpuUsage"] == "gpuId::1 memory.used::3 MiB"
    assert shown["jobQueueStatus"] == {"remainingCapacity": 93, "pendingRequests": 7}


def test_describe_one_version_or_all(send, serve, error) -> None:
    serve("echo.mar")
    serve("echo2.mar", "echo")

    def versions(path: str) -> list[str]:
        return [each["modelVersion"] for each in json.loads(send(f"GET {path}").body)]

    assert versions("/models/echo") == ["1.0"]
    assert versions("/models/echo/2.0") == ["2.0"]
    assert versions("/models/echo/2.0/set-default") == ["2.0"]
    assert sorted(versions("/models/echo/all")) == ["1.0", "2.0"]
    assert send("GET /models/nope").body == error(404, "ModelNotFoundException", "Model not found: nope")
    message = "Model version: 9 does not exist for model: echo"
    assert send("GET /models/echo/9").body == error(404, "ModelVersionNotFoundException", message)


def test_customized_describe_asks_the_handler(send, serve, error) -> None:
    serve("echo.mar")
    serve("headers.mar")
    serve("echo.mar", "idle", workers=0)

    def metadata(path: str) -> object:
        return json.loads(send(f"GET {path}?customized=true").body)[0].get("customizedMetadata")

    assert metadata("/models/echo") == {"says": "hello"}
    assert metadata("/models/headers") == {}
    assert metadata("/models/echo/all") is None
    message = 'Model "idle" has no worker to serve describe request. Please use scale workers API to add workers.'
    assert send("GET /models/idle?customized=true").body == error(503, "ServiceUnavailableException", message)


@pytest.mark.parametrize(
    ("query", "names", "token"),
    [
        ("", "abcd", None),
        ("?limit=2", "ab", "2"),
        ("?limit=2&next_page_token=2", "cd", "4"),
        ("?limit=2&next_page_token=4", "", None),
        ("?limit=3&next_page_token=2", "cd", None),
        ("?limit=0", "", "0"),
        ("?limit=-1", "abcd", None),
        ("?limit=101", "abcd", None),
        ("?limit=x&next_page_token=y", "abcd", None),
        ("?next_page_token=-5", "abcd", None),
        ("?next_page_token=99", "", None),
    ],
)
def test_list_pages(send, serve, query: str, names: str, token: str | None) -> None:
    for name in "cabd":
        serve("echo.mar", name)
    answer = send(f"GET /models{query}")
    expected = {"models": [{"modelName": name, "modelUrl": "echo.mar"} for name in names]}
    if token is not None:
        expected = {"nextPageToken": token, **expected}
    assert answer.body == (json.dumps(expected, indent=2) + "\n").encode()


def test_unregister(send, serve, error) -> None:
    serve("echo.mar")
    serve("echo2.mar", "echo")
    refused = send("DELETE /models/echo")
    assert refused.body == error(403, "InvalidModelVersionException", "Cannot remove default version for model echo")
    assert send("DELETE /models/echo/2.0").body == status('Model "echo" unregistered')
    assert send("DELETE /models/echo?synchronous=false&timeout=1").body == status('Model "echo" unregistered')
    assert send("DELETE /models/echo").body == error(404, "ModelNotFoundException", "Model not found: echo")


def test_set_default(send, serve, error) -> None:
    serve("echo.mar")
    serve("echo2.mar", "echo")
    answer = send("PUT /models/echo/2.0/set-default")
    assert answer.body == status('Default version successfully updated for model "echo" to "2.0"')
    assert json.loads(send("GET /models/echo").body)[0]["modelVersion"] == "2.0"
    message = "Model version 9 does not exist for model echo"
    assert send("PUT /models/echo/9/set-default").body == error(404, "ModelVersionNotFoundException", message)
    assert send("PUT /models/nope/9/set-default").body == error(404, "ModelNotFoundException", "Model not found: nope")
