"""The management API: register, scale, describe, list, unregister (spec 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from tsnb import messages
from tsnb.engine.api import Registration, Scaled, Stream
from tsnb.errors import BadRequest, MethodNotAllowed, ModelNotFound, ModelVersionNotFound, ServiceUnavailable
from tsnb.rest.descriptions import description
from tsnb.rest.routes import Doors, Listener, Request, Response, close, json_response, route, status_response

RUNTIMES = ("python", "python3", "LSP")
T = TypeVar("T")
PAGE = 100
"""Most models of one page of the list."""

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
    "s3_sse_kms": "Only false is supported.",
}
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
    limit = _integer(request.argument("limit"), PAGE)
    limit = limit if 0 <= limit <= PAGE else PAGE
    offset = max(0, _integer(request.argument("next_page_token"), 0))
    specs = [doors.engine.describe(name)[0].spec for name in doors.engine.models()]
    rows = [{"modelName": spec.name, "modelUrl": spec.url} for spec in specs if spec.url]
    end = offset + limit
    token = {"nextPageToken": str(end)} if end <= len(rows) else {}
    return json_response({**token, "models": rows[offset:end]})


@route("POST", "/models", Listener.MANAGEMENT, access="manage", query=REGISTER)
async def register_model(doors: Doors, request: Request) -> Response:
    """Take in an archive and start its workers."""
    _need_model_api(doors)
    values = _register_values(request)
    wait = values.get("synchronous", "true").lower() == "true"
    scaled = await doors.engine.register(_registration(values), wait=wait)
    if scaled.wanted == 0:
        return status_response(f"{_registered(scaled)}. Use scale workers API to add workers for the model.")
    if not wait:
        return status_response("Processing worker updates...", 202)
    if scaled.running < scaled.wanted:
        return status_response("Workers scaling in progress...", 206)
    return status_response(_registered(scaled))


@route("GET", "/models/{model_name}/{model_version}/set-default", Listener.MANAGEMENT)
@route("GET", "/models/{model_name}", Listener.MANAGEMENT, query=DESCRIBE)
@route("GET", "/models/{model_name}/{model_version}", Listener.MANAGEMENT, query=DESCRIBE)
async def describe_model(doors: Doors, request: Request) -> Response:
    """A model's settings, workers and queue."""
    name, version = request.params["model_name"], request.params.get("model_version")
    found = [description(status) for status in doors.engine.describe(name, version)]
    if _true(request.argument("customized")) and version != "all":
        found[0]["customizedMetadata"] = await _metadata(doors, request, name, version)
    return json_response(found)


@route("PUT", "/models/{model_name}", Listener.MANAGEMENT, access="manage", query=SCALE)
@route("PUT", "/models/{model_name}/{model_version}", Listener.MANAGEMENT, access="manage", query=SCALE)
async def set_auto_scale(doors: Doors, request: Request) -> Response:
    """Change how many workers a model has."""
    name = request.params["model_name"]
    version = request.params.get("model_version") or request.argument("model_version")
    least = _integer(request.argument("min_worker"), 1)
    most = _integer(request.argument("max_worker"), least)
    _check_workers(least, most)
    wait = _true(request.argument("synchronous"))
    scaled = await doors.engine.scale(name, version, least, most, wait=wait)
    if not wait:
        return status_response("Processing worker updates...", 202)
    if scaled.running < least:
        return status_response("Workers scaling in progress...", 206)
    suffix = f", version: {version}" if version else ""
    return status_response(f"Workers scaled to {least} for model: {name}{suffix}")


@route("DELETE", "/models/{model_name}", Listener.MANAGEMENT, access="manage")
@route("DELETE", "/models/{model_name}/{model_version}", Listener.MANAGEMENT, access="manage")
async def unregister_model(doors: Doors, request: Request) -> Response:
    """Stop a version's workers and forget it."""
    _need_model_api(doors)
    name = request.params["model_name"]
    await doors.engine.unregister(name, request.params.get("model_version"))
    return status_response(f'Model "{name}" unregistered')


@route("PUT", "/models/{model_name}/{model_version}/set-default", Listener.MANAGEMENT, access="manage")
async def set_default(doors: Doors, request: Request) -> Response:
    """Let requests without a version go to this one."""
    name, version = request.params["model_name"], request.params["model_version"]
    try:
        await doors.engine.set_default(name, version)
    except ModelVersionNotFound as error:  # this route says it without a colon (spec 2.7)
        raise ModelVersionNotFound(f"Model version {version} does not exist for model {name}") from error
    return status_response(f'Default version successfully updated for model "{name}" to "{version}"')


def _need_model_api(doors: Doors) -> None:
    if not doors.config.enable_model_api:
        raise MethodNotAllowed("Requested method is not allowed, please refer to API document.")


def _registered(scaled: Scaled) -> str:
    return f'Model "{scaled.name}" Version: {scaled.version} registered with {scaled.wanted} initial workers'


def _register_values(request: Request) -> dict[str, str]:
    """The parameters of a register call: a JSON body if there is one, else the query (spec 2.2)."""
    if request.mime_type != "application/json":
        return {name: values[-1] for name, values in request.query.items()}
    try:
        values = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is no JSON: {error}. Send an object of register parameters.") from error
    if not isinstance(values, dict):
        raise BadRequest(f"The body is a JSON {type(values).__name__}. Send an object of register parameters.")
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _registration(values: Mapping[str, str]) -> Registration:
    """Raises BadRequest and ModelNotFound with TorchServe's words for what cannot be tried at all."""
    if not values.get("url"):
        raise ModelNotFound("empty url") if "url" in values else BadRequest("Parameter url is required.")
    runtime = values.get("runtime")
    if runtime is not None and runtime not in RUNTIMES:
        raise BadRequest(f"Invalid RuntimeType value: {runtime}")
    if _true(values.get("s3_sse_kms")):
        raise BadRequest("s3_sse_kms=true is not supported. Download the archive and register it from the model store.")
    workers = _number(values, "initial_workers")
    return Registration(
        url=values["url"],
        model_name=values.get("model_name") or None,
        handler=values.get("handler") or None,
        runtime=runtime,
        batch_size=_number(values, "batch_size", not_given=-1),
        max_batch_delay=_number(values, "max_batch_delay", not_given=-100),
        initial_workers=None if workers is None else max(0, workers),
        response_timeout=_number(values, "response_timeout"),
        startup_timeout=_number(values, "startup_timeout"),
    )


def _number(values: Mapping[str, str], name: str, *, not_given: int | None = None) -> int | None:
    value = _integer(values.get(name), None)
    return None if value == not_given else value


def _integer(text: str | None, default: T) -> int | T:
    """Text that is no 32-bit integer silently takes the default, as in TorchServe."""
    try:
        value = int(text or "")
    except ValueError:
        return default
    return value if -(2**31) <= value < 2**31 else default


def _true(text: str | None) -> bool:
    return text is not None and text.lower() == "true"


def _check_workers(least: int, most: int) -> None:
    """TorchServe answers a negative ``min_worker`` with an internal error; here it is the caller's (spec 13.25)."""
    if least < 0:
        raise BadRequest(f"min_worker is {least}. It cannot be negative: use 0 to stop all workers.")
    if most < least:
        raise BadRequest("max_worker cannot be less than min_worker.")


async def _metadata(doors: Doors, request: Request, name: str, version: str | None) -> dict[str, Any]:
    """What the handler says of itself: a JSON object, or an empty one for any other answer (spec 2.4)."""
    asked = messages.Request(request.id, {**request.headers, "describe": "True"})
    try:
        answer = await doors.engine.predict(name, version, asked)
    except ServiceUnavailable as error:
        raise ServiceUnavailable(
            f'Model "{name}" has no worker to serve describe request. Please use scale workers API to add workers.'
        ) from error
    if isinstance(answer, Stream):
        await close(answer.parts)
        return {}
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
