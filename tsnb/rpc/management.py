"""The management service: the operations of REST under their gRPC names (spec 4.2, 4.4)."""

from __future__ import annotations

from typing import Any

from tsnb.errors import BadRequest, MethodNotAllowed
from tsnb.rest import operations
from tsnb.rest.operations import PAGE, Said
from tsnb.rest.routes import Doors, json_response
from tsnb.rpc.calls import Call, method
from tsnb.rpc.descriptors import MANAGEMENT, Message, message

Answer = message("management.ManagementResponse")

NUMBERS = ("batch_size", "initial_workers", "max_batch_delay", "response_timeout", "startup_timeout")
TEXTS = ("handler", "model_name", "runtime", "url")


@method(MANAGEMENT, "ListModels")
async def list_models(doors: Doors, request: Message, call: Call) -> Message:
    """The models and where they came from, page by page."""
    return _json(operations.listing(doors.engine, request.limit or PAGE, request.next_page_token))


@method(MANAGEMENT, "DescribeModel")
async def describe_model(doors: Doors, request: Message, call: Call) -> Message:
    """A model's settings, workers and queue."""
    asked = operations.description_request(call.id, {}) if request.customized else None
    return _json(await operations.describe(doors.engine, request.model_name, request.model_version or None, asked))


@method(MANAGEMENT, "RegisterModel")
async def register_model(doors: Doors, request: Message, call: Call) -> Message:
    """Take in an archive and start its workers."""
    _need_model_api(doors)
    values = {name: getattr(request, name) for name in TEXTS if getattr(request, name)}
    values |= {name: str(getattr(request, name)) for name in NUMBERS if getattr(request, name) > 0}
    values["s3_sse_kms"] = str(request.s3_sse_kms)
    return _said(await operations.register(doors.engine, values, wait=request.synchronous))


@method(MANAGEMENT, "ScaleWorker")
async def scale_worker(doors: Doors, request: Message, call: Call) -> Message:
    """Change how many workers a model has."""
    least = request.min_worker if request.min_worker > 0 else 1
    most = request.max_worker if request.max_worker > 0 else least
    name, version = request.model_name, request.model_version or None
    return _said(await operations.scale(doors.engine, name, version, least, most, wait=request.synchronous))


@method(MANAGEMENT, "SetDefault")
async def set_default(doors: Doors, request: Message, call: Call) -> Message:
    """Let requests without a version go to this one."""
    return _said(await operations.set_default(doors.engine, request.model_name, request.model_version))


@method(MANAGEMENT, "UnregisterModel")
async def unregister_model(doors: Doors, request: Message, call: Call) -> Message:
    """Stop a version's workers and forget it."""
    _need_model_api(doors)
    if not request.model_name:
        raise BadRequest("Parameter model_name is required.")
    return _said(await operations.unregister(doors.engine, request.model_name, request.model_version or None))


def _need_model_api(doors: Doors) -> None:
    if not doors.config.enable_model_api:
        raise MethodNotAllowed("Model API disabled")


def _said(said: Said) -> Message:
    return Answer(msg=said.text)


def _json(value: Any) -> Message:
    return Answer(msg=json_response(value).body.decode().rstrip("\n"))
