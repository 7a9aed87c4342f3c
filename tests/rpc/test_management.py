"""Models come, grow and go over gRPC (spec 4.2, 4.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from support.served import Served

from tests.rpc.conftest import Client, House, Protos, refused

MODEL = "org.pytorch.serve.archive.model"
HTTP = "org.pytorch.serve.http"
REGISTER = "RegisterModelRequest"
SCALE = "ScaleWorkerRequest"
DESCRIBE = "DescribeModelRequest"


def register(client: Client, **fields: Any) -> str:
    return client.manage("RegisterModel", REGISTER, **fields)


def unregister(client: Client, name: str, version: str = "") -> str:
    return client.manage("UnregisterModel", "UnregisterModelRequest", model_name=name, model_version=version)


def test_a_description_is_that_of_rest(client: Client, served: Served) -> None:
    over_rest = httpx.get(f"{served.url}/models/orders", trust_env=False)
    over_grpc = client.manage("DescribeModel", DESCRIBE, model_name="orders")
    assert over_grpc == over_rest.text.rstrip("\n")


def test_a_handler_describes_itself(client: Client) -> None:
    (found,) = json.loads(client.manage("DescribeModel", DESCRIBE, model_name="orders", customized=True))
    assert found["customizedMetadata"] == {"says": "hello"}


def test_the_list_comes_in_pages(client: Client) -> None:
    def listed(**fields: int) -> Any:
        found = json.loads(client.manage("ListModels", "ListModelsRequest", **fields))
        return [model["modelName"] for model in found["models"]], found.get("nextPageToken")

    assert listed() == (["orders", "tensors"], None)
    assert listed(limit=1) == (["orders"], "1")
    assert listed(limit=-1, next_page_token=1) == (["tensors"], None)


def test_a_version_comes_becomes_the_default_and_goes(client: Client) -> None:
    said = register(client, url="orders-2.0.mar", initial_workers=1, synchronous=True, batch_size=2, handler="")
    assert said == 'Model "orders" Version: 2.0 registered with 1 initial workers'
    versions = json.loads(client.manage("DescribeModel", DESCRIBE, model_name="orders", model_version="all"))
    assert [each["batchSize"] for each in versions] == [1, 2]
    fields = {"model_name": "orders", "model_version": "2.0"}
    said = client.manage("SetDefault", "SetDefaultRequest", **fields)
    assert said == 'Default version successfully updated for model "orders" to "2.0"'
    assert refused(unregister, client, name="orders", version="2.0") == (
        "PERMISSION_DENIED",
        f"Cannot remove default version for model orders\n{HTTP}.InvalidModelVersionException",
    )
    client.manage("SetDefault", "SetDefaultRequest", model_name="orders", model_version="1.0")
    assert unregister(client, "orders", "2.0") == 'Model "orders" unregistered'


def test_nothing_below_one_counts_as_given(client: Client) -> None:
    said = register(client, url="tensors-1.0.mar", model_name="mine", initial_workers=0, response_timeout=-1)
    assert said == "Processing worker updates..."
    (found,) = json.loads(client.manage("DescribeModel", DESCRIBE, model_name="mine"))
    assert (found["minWorkers"], found["responseTimeout"]) == (1, 120)
    assert client.manage("ScaleWorker", SCALE, model_name="mine", min_worker=-1) == "Processing worker updates..."
    fields = {"model_name": "mine", "model_version": "1.0", "min_worker": 2, "synchronous": True}
    assert client.manage("ScaleWorker", SCALE, **fields) == "Workers scaled to 2 for model: mine, version: 1.0"
    assert unregister(client, "mine") == 'Model "mine" unregistered'


ERRORS = [
    ("RegisterModel", REGISTER, {}, "INVALID_ARGUMENT", f"Parameter url is required.\n{HTTP}.BadRequestException"),
    ("RegisterModel", REGISTER, {"url": "no.mar"}, "NOT_FOUND", "Model not found at: no.mar\n"),
    ("RegisterModel", REGISTER, {"url": "../no.mar"}, "NOT_FOUND", "Relative path is not allowed in url: ../no.mar\n"),
    (
        "RegisterModel",
        REGISTER,
        {"url": "http://127.0.0.1:1/x.mar"},
        "INVALID_ARGUMENT",
        "Failed to download archive from: http://127.0.0.1:1/x.mar\norg.pytorch.serve.archive.DownloadArchiveException",
    ),
    (
        "RegisterModel",
        REGISTER,
        {"url": "orders-1.0.mar", "runtime": "cobol"},
        "INVALID_ARGUMENT",
        f"Invalid RuntimeType value: cobol\n{HTTP}.BadRequestException",
    ),
    (
        "RegisterModel",
        REGISTER,
        {"url": "orders-1.0.mar"},
        "ABORTED",
        f"Model version 1.0 is already registered for model orders\n{HTTP}.ConflictStatusException",
    ),
    ("DescribeModel", DESCRIBE, {}, "NOT_FOUND", f"Model not found: \n{MODEL}.ModelNotFoundException"),
    (
        "DescribeModel",
        DESCRIBE,
        {"model_name": "orders", "model_version": "9"},
        "NOT_FOUND",
        f"Model version: 9 does not exist for model: orders\n{MODEL}.ModelVersionNotFoundException",
    ),
    (
        "ScaleWorker",
        SCALE,
        {"model_name": "orders", "min_worker": 2, "max_worker": 1},
        "INVALID_ARGUMENT",
        f"max_worker cannot be less than min_worker.\n{HTTP}.BadRequestException",
    ),
    ("ScaleWorker", SCALE, {"model_name": "no"}, "NOT_FOUND", f"Model not found: no\n{MODEL}.ModelNotFoundException"),
    (
        "SetDefault",
        "SetDefaultRequest",
        {"model_name": "orders", "model_version": "9"},
        "NOT_FOUND",
        f"Model version 9 does not exist for model orders\n{MODEL}.ModelVersionNotFoundException",
    ),
    (
        "UnregisterModel",
        "UnregisterModelRequest",
        {},
        "INVALID_ARGUMENT",
        f"Parameter model_name is required.\n{HTTP}.BadRequestException",
    ),
    ("UnregisterModel", "UnregisterModelRequest", {"model_name": "no"}, "NOT_FOUND", "Model not found: no\n"),
]


@pytest.mark.parametrize(("method", "request_name", "fields", "code", "text"), ERRORS)
def test_errors_say_what_torchserve_says(
    client: Client, method: str, request_name: str, fields: dict[str, Any], code: str, text: str
) -> None:
    found, details = refused(client.manage, method, request_name, **fields)
    assert found == code
    assert details.startswith(text)


def test_workers_that_do_not_start_are_internal_and_leave_nothing(client: Client) -> None:
    fields = {"url": "no_weights-1.0.mar", "initial_workers": 1, "synchronous": True}
    found, details = refused(register, client, **fields)
    text = "Failed to start workers for model no_weights version: 1.0"
    assert (found, details) == ("INTERNAL", f"{text}\n{HTTP}.InternalServerException")
    assert refused(unregister, client, "no_weights")[0] == "NOT_FOUND"


def test_the_model_api_can_be_off(house: Callable[..., House], protos: Protos) -> None:
    client = house(enable_model_api=False).client(protos)
    told = ("PERMISSION_DENIED", f"Model API disabled\n{MODEL}.ModelException")
    assert refused(register, client, url="echo.mar") == told
    assert refused(unregister, client, "echo") == told
    assert client.manage("ListModels", "ListModelsRequest")
