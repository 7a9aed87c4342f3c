"""The OpenAPI documents are the route table in another form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tsnb import __version__
from tsnb.rest.routes import ROUTES, Listener


def operations(document: dict[str, Any]) -> dict[str, str]:
    return {
        operation["operationId"]: f"{method} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


@pytest.mark.parametrize("line", ["OPTIONS /", "GET /api-description", "GET /openapi.json"])
def test_the_document_describes_what_this_listener_answers(send, line: str) -> None:
    document = json.loads(send(line, listener=Listener.MANAGEMENT).body)
    assert document["openapi"] == "3.0.1"
    assert document["info"] == {"title": "TorchServe APIs", "version": __version__}
    assert operations(document)["registerModel"] == "post /models"
    assert "/ping" not in document["paths"]


def test_operations_have_torchserve_s_names(send) -> None:
    found = operations(json.loads(send("OPTIONS /").body))
    expected = {
        "ping": "get /ping",
        "predictions": "post /predictions/{model_name}",
        "version_predictions": "post /predictions/{model_name}/{model_version}",
        "listModels": "get /models",
        "registerModel": "post /models",
        "describeModel": "get /models/{model_name}",
        "version_describeModel": "get /models/{model_name}/{model_version}",
        "setAutoScale": "put /models/{model_name}",
        "version_setAutoScale": "put /models/{model_name}/{model_version}",
        "unregisterModel": "delete /models/{model_name}",
        "version_unregisterModel": "delete /models/{model_name}/{model_version}",
        "setDefault": "put /models/{model_name}/{model_version}/set-default",
        "metrics": "get /metrics",
        "apiDescription": "options /",
    }
    assert expected.items() <= found.items()


def test_every_path_and_variable_is_described(send) -> None:
    document = json.loads(send("OPTIONS /").body)
    described = sum(len(item) for item in document["paths"].values())
    assert len(operations(document)) == described
    for route in ROUTES:
        path = route.path.rpartition("/{")[0] if route.path.endswith("...}") else route.path
        assert path in document["paths"]
    for path, item in document["paths"].items():
        for operation in item.values():
            named = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert named == [part.split("}")[0] for part in path.split("{")[1:]]
            assert operation["summary"]


def test_register_s_parameters_are_described(send) -> None:
    operation = json.loads(send("OPTIONS /").body)["paths"]["/models"]["post"]
    names = {each["name"] for each in operation["parameters"]}
    assert {"url", "model_name", "batch_size", "initial_workers", "synchronous"} <= names


def test_one_model(send, serve, error) -> None:
    serve("echo.mar")
    document = json.loads(send("OPTIONS /predictions/echo").body)
    assert document["info"] == {"title": "RESTful API for: echo", "version": "1.0.0"}
    assert document["paths"]["/predictions/echo"]["post"]["parameters"] == []
    management = json.loads(send("OPTIONS /models/echo").body)
    assert management["info"]["title"] == "RESTful Management API for: echo"
    assert set(management["paths"]["/models/echo"]) == {"get", "put", "delete"}
    assert send("OPTIONS /predictions/nope").body == error(404, "ModelNotFoundException", "Model not found: nope")
