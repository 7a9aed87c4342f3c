"""OpenAPI 3.0.1 documents, made from the route table (spec 1.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tsnb import __version__
from tsnb.rest.inference import asked_model
from tsnb.rest.routes import ANY, ROUTES, Doors, Listener, Request, Response, Route, json_response, route

EVERYWHERE = Listener.ALL


@route("GET", "/openapi.json", EVERYWHERE)
@route(ANY, "/api-description", EVERYWHERE)
@route("OPTIONS", "/", EVERYWHERE)
async def api_description(doors: Doors, request: Request) -> Response:
    """This document."""
    shown = [each for each in ROUTES if each.listener & request.listener]
    return json_response(document("TorchServe APIs", __version__, shown))


@route("OPTIONS", "/predictions/{model_name}", Listener.INFERENCE)
@route("OPTIONS", "/predictions/{model_name}/{model_version}/{rest...}", Listener.INFERENCE)
@route("OPTIONS", "/explanations/{model_name}", Listener.INFERENCE)
@route("OPTIONS", "/explanations/{model_name}/{model_version}/{rest...}", Listener.INFERENCE)
@route("OPTIONS", "/v1/models/{model_name}:predict", Listener.INFERENCE)
@route("OPTIONS", "/v1/models/{model_name}:explain", Listener.INFERENCE)
@route("OPTIONS", "/v2/models/{model_name}/infer", Listener.INFERENCE)
@route("OPTIONS", "/v2/models/{model_name}/explain", Listener.INFERENCE)
@route("OPTIONS", "/models/{model_name}/invoke", Listener.INFERENCE)
@route("OPTIONS", "/{model_name}/predict", Listener.INFERENCE)
@route("OPTIONS", "/{model_name}/{model_version}/predict", Listener.INFERENCE)
async def model_description(doors: Doors, request: Request) -> Response:
    """How to call one model."""
    return _described(doors, request.params["model_name"], request.params.get("model_version"))


@route("OPTIONS", "/invocations", Listener.INFERENCE, query={"model_name": "The model."})
async def invocations_description(doors: Doors, request: Request) -> Response:
    """How to call the model that SageMaker's path would run."""
    return _described(doors, asked_model(doors, request, ()), None)


def _described(doors: Doors, name: str, version: str | None) -> Response:
    doors.engine.describe(name, version)
    return json_response(_for_model(f"RESTful API for: {name}", "1.0.0", name, Listener.INFERENCE))


@route("OPTIONS", "/models/{model_name}", Listener.MANAGEMENT)
@route("OPTIONS", "/models/{model_name}/{model_version}", Listener.MANAGEMENT)
async def model_management_description(doors: Doors, request: Request) -> Response:
    """How to manage one model."""
    name = request.params["model_name"]
    doors.engine.describe(name, request.params.get("model_version"))
    return json_response(_for_model(f"RESTful Management API for: {name}", __version__, name, Listener.MANAGEMENT))


def document(title: str, version: str, routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI document of some routes."""
    paths: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    for each in routes:
        method = _method(each)
        operation = _operation(each, _unique(_operation_id(each), taken))
        paths.setdefault(_plain(each.path), {}).setdefault(method, operation)
    return {"openapi": "3.0.1", "info": {"title": title, "version": version}, "paths": paths}


def _for_model(title: str, version: str, name: str, listener: Listener) -> dict[str, Any]:
    shown = [
        each
        for each in ROUTES
        if each.listener & listener and "{model_name}" in each.path and each.methods != ("OPTIONS",)
    ]
    found = document(title, version, shown)
    found["paths"] = {path.replace("{model_name}", name): _without_name(item) for path, item in found["paths"].items()}
    return found


def _without_name(item: dict[str, Any]) -> dict[str, Any]:
    for operation in item.values():
        operation["parameters"] = [each for each in operation["parameters"] if each["name"] != "model_name"]
    return item


def _method(each: Route) -> str:
    """The method to show: one, though running a model takes any."""
    if len(each.methods) > 1:
        return "post" if each.access == "infer" else "get"
    return each.methods[0].lower()


def _plain(path: str) -> str:
    """A path without its optional rest."""
    return path.rpartition("/{")[0] if path.endswith("...}") else path


def _operation_id(each: Route) -> str:
    """``describe_model`` is ``describeModel``, and ``version_describeModel`` where the path has a version."""
    first, *others = each.endpoint.__name__.split("_")
    name = first + "".join(word.capitalize() for word in others)
    plain = any(other.endpoint is each.endpoint and "{model_version}" not in other.path for other in ROUTES)
    return f"version_{name}" if plain and "{model_version}" in each.path else name


def _unique(name: str, taken: set[str]) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name}_{number}"
        number += 1
    taken.add(unique)
    return unique


def _operation(each: Route, operation_id: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": each.summary,
        "operationId": operation_id,
        "parameters": [*_path_parameters(each), *_query_parameters(each)],
        "responses": {"200": {"description": "The answer."}, "default": _ERROR},
    }
    if each.access == "infer":
        operation["requestBody"] = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    return operation


def _path_parameters(each: Route) -> list[dict[str, Any]]:
    names = [part[1:].partition("}")[0] for part in each.segments if part.startswith("{") and not part.endswith("...}")]
    return [{"in": "path", "name": name, "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(each: Route) -> list[dict[str, Any]]:
    return [
        {"in": "query", "name": name, "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in each.query.items()
    ]


_ERROR = {
    "description": "What went wrong.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["code", "type", "message"],
                "properties": {
                    "code": {"type": "integer", "description": "The HTTP status."},
                    "type": {"type": "string", "description": "The kind of error."},
                    "message": {"type": "string", "description": "What was wrong and what to do."},
                },
            }
        }
    },
}
