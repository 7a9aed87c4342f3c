"""The management API: register, scale, describe, list, unregister (spec 2)."""

from __future__ import annotations

import json
from typing import Any

from tsnb.errors import BadRequest, MethodNotAllowed
from tsnb.rest import operations
from tsnb.rest.operations import PAGE, RUNTIMES, Said
from tsnb.rest.routes import Doors, Listener, Request, Response, json_response, route, status_response

REGISTER = {
    "url": "An archive in the model store, a URL, or a folder. Required.",
    "model_name": "The name in every other path. Default: the archive's.",
    "handler": "Overrides the archive's handler.",
    "runtime": f"One of {', '.join(RUNTIMES)}.",
    "batch_size": "Most requests that one call of the handler gets. Default: 1.",
    "max_batch_delay": "Milliseconds that a batch may wait to grow. Default: 100.",
    "initial_workers": "Workers to start. Default: default_workers_per_model.",
    "synchronous": "true (default): answer when the workers are ready.",
    "response_timeout": "Seconds that a worker may take for a batch. Default: 120.",
    "startup_timeout": "Seconds that a worker may take to load. Default: 120.",
    "s3_sse_kms": "Whether to sign the download with the AWS credentials of the server's environment. Default: false.",
}
NUMBERS = ("batch_size", "max_batch_delay", "initial_workers", "response_timeout", "startup_timeout")
SCALE = {
    "min_worker": "Fewest workers. Default: 1.",
    "max_worker": "Most workers. Default: min_worker.",
    "synchronous": "true: answer when the workers are ready. Default: false.",
    "model_version": "The version, where the path names none.",
}
LIST = {"limit": f"Models of a page, at most {PAGE}.", "next_page_token": "Where the page before this one ended."}
DESCRIBE = {"customized": "true: ask the handler to describe itself as well."}


@route("GET", "/models", Listener.MANAGEMENT, query=LIST)
async def list_models(doors: Doors, request: Request) -> Response:
    """The models and where they came from, page by page."""
    limit = operations.integer(request.argument("limit"), PAGE)
    offset = operations.integer(request.argument("next_page_token"), 0)
    return json_response(operations.listing(doors.engine, limit, offset))


@route("POST", "/models", Listener.MANAGEMENT, access="manage", query=REGISTER)
async def register_model(doors: Doors, request: Request) -> Response:
    """Take in an archive and start its workers."""
    need_model_api(doors)
    values = register_values(request)
    wait = values.get("synchronous", "true").lower() == "true"
    return _said(await operations.register(doors.engine, values, wait=wait))


@route("GET", "/models/{model_name}/{model_version}/set-default", Listener.MANAGEMENT)
@route("GET", "/models/{model_name}", Listener.MANAGEMENT, query=DESCRIBE)
@route("GET", "/models/{model_name}/{model_version}", Listener.MANAGEMENT, query=DESCRIBE)
async def describe_model(doors: Doors, request: Request) -> Response:
    """A model's settings, workers and queue."""
    name, version = request.params["model_name"], request.params.get("model_version")
    asked = None
    if operations.true(request.argument("customized")):
        asked = operations.description_request(request.id, request.headers)
    response = json_response(await operations.describe(doors.engine, name, version, asked))
    if asked is not None and version != "all":  # then a handler is asked, and nobody gives a reason (spec 1.4)
        response.reason = ""
    return response


@route("PUT", "/models/{model_name}", Listener.MANAGEMENT, access="manage", query=SCALE)
@route("PUT", "/models/{model_name}/{model_version}", Listener.MANAGEMENT, access="manage", query=SCALE)
async def set_auto_scale(doors: Doors, request: Request) -> Response:
    """Change how many workers a model has."""
    name = request.params["model_name"]
    version = request.params.get("model_version", request.argument("model_version"))
    least = operations.integer(request.argument("min_worker"), 1)
    most = operations.integer(request.argument("max_worker"), least)
    wait = operations.true(request.argument("synchronous"))
    return _said(await operations.scale(doors.engine, name, version, least, most, wait=wait))


@route("DELETE", "/models/{model_name}", Listener.MANAGEMENT, access="manage")
@route("DELETE", "/models/{model_name}/{model_version}", Listener.MANAGEMENT, access="manage")
async def unregister_model(doors: Doors, request: Request) -> Response:
    """Stop a version's workers and forget it."""
    need_model_api(doors)
    name, version = request.params["model_name"], request.params.get("model_version")
    return _said(await operations.unregister(doors.engine, name, version))


@route("PUT", "/models/{model_name}/{model_version}/set-default", Listener.MANAGEMENT, access="manage")
async def set_default(doors: Doors, request: Request) -> Response:
    """Let requests without a version go to this one."""
    name, version = request.params["model_name"], request.params["model_version"]
    return _said(await operations.set_default(doors.engine, name, version))


def _said(said: Said) -> Response:
    return status_response(said.text, said.status)


def need_model_api(doors: Doors) -> None:
    """Raise MethodNotAllowed where models come and go by settings only."""
    if not doors.config.enable_model_api:
        raise MethodNotAllowed("Requested method is not allowed, please refer to API document.")


def register_values(request: Request) -> dict[str, str]:
    """The parameters of a register call: a JSON body if there is one, else the query (spec 2.2)."""
    if request.mime_type.lower() != "application/json":
        return {name: values[0] for name, values in request.query.items()}
    try:
        values = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is no JSON: {error}. Send an object of register parameters.") from error
    if not isinstance(values, dict):
        raise BadRequest(f"The body is a JSON {type(values).__name__}. Send an object of register parameters.")
    return {name: _text(name, value) for name, value in values.items() if value is not None}


def _text(name: str, value: Any) -> str:
    """A value of a JSON body as a query would have it. Raises BadRequest where a number is no whole one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value)
    if name in NUMBERS and operations.integer(text, None) is None:
        raise BadRequest(f"{name} in the JSON body is {text}. Give a whole number.")
    return text
