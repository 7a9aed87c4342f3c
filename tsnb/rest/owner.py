"""The owner's endpoints under ``/-/``: what the card, the magics and the panel show (docs/architecture.md)."""

from __future__ import annotations

import asyncio
import os
import platform
from typing import Any

import msgspec

from tsnb import __version__, messages
from tsnb.engine.placement import devices
from tsnb.errors import BadRequest, NotFound
from tsnb.messages import ModelStatus, Recorded, Revision
from tsnb.rest.routes import Doors, Listener, Request, Response, route


@route("GET", "/-/server", Listener.MANAGEMENT)
async def server(doors: Doors, request: Request) -> Response:
    """Which server this is and what it runs on."""
    found = {
        "name": "tsnb",
        "version": __version__,
        "pid": os.getpid(),
        "model_store": doors.config.model_store,
        "devices": await asyncio.to_thread(devices, doors.config.number_of_gpu),  # may ask nvidia-smi
        "python": platform.python_version(),
    }
    return _json(found)


@route("GET", "/-/models", Listener.MANAGEMENT)
async def models(doors: Doors, request: Request) -> Response:
    """Every version of every model, with workers, queue and the settings in force."""
    engine = doors.engine
    return _json({"models": [_status(each) for name in engine.models() for each in engine.describe(name, "all")]})


@route("GET", "/-/models/{model_name}", Listener.MANAGEMENT)
async def model(doors: Doors, request: Request) -> Response:
    """Every version of one model."""
    found = doors.engine.describe(request.params["model_name"], "all")
    return _json({"models": [_status(each) for each in found]})


@route(
    "GET",
    "/-/logs/{model_name}",
    Listener.MANAGEMENT,
    query={"version": "Default: the default version.", "after": "Only lines written after this Unix time."},
)
async def logs(doors: Doors, request: Request) -> Response:
    """What the workers of a model wrote lately."""
    after = _seconds(request, "after")
    name, version = request.params["model_name"], request.argument("version") or None
    return _json({"lines": doors.engine.logs(name, version, after=after)})


@route("GET", "/-/failures/{request_id}", Listener.MANAGEMENT)
async def failure(doors: Doors, request: Request) -> Response:
    """The failure that answered a request: the handler's traceback and what it was given."""
    request_id = request.params["request_id"]
    found = doors.engine.failure(request_id)
    if found is None:
        raise NotFound(f"No failure of request {request_id} is remembered. Only the latest ones are kept.")
    return _json(found)


@route("PUT", "/-/models/{model_name}/{model_version}/code", Listener.MANAGEMENT, access="manage")
async def swap(doors: Doors, request: Request) -> Response:
    """Give a version new code without dropping a request. The body is a Revision as JSON."""
    try:
        revision = msgspec.json.decode(request.body, type=Revision)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"The body is no revision: {error}. Send {{files, url, checks}} as JSON.") from error
    return _json(await doors.engine.swap(request.params["model_name"], request.params["model_version"], revision))


@route("DELETE", "/-/models/{model_name}/{model_version}/code", Listener.MANAGEMENT, access="manage")
async def rollback(doors: Doors, request: Request) -> Response:
    """Go back to the code before the last swap."""
    return _json(await doors.engine.rollback(request.params["model_name"], request.params["model_version"]))


@route(
    "GET",
    "/-/requests/{model_name}",
    Listener.MANAGEMENT,
    query={"version": "Default: every version.", "after": "Only requests answered after this Unix time."},
)
async def requests(doors: Doors, request: Request) -> Response:
    """The requests that were kept of a model: when, how long, which stages; without what was sent."""
    version = request.argument("version") or None
    kept = doors.engine.requests(request.params["model_name"], version, after=_seconds(request, "after"))
    return _json({"requests": [_outline(each) for each in kept]})


@route("GET", "/-/requests/{model_name}/{request_id}", Listener.MANAGEMENT)
async def kept_request(doors: Doors, request: Request) -> Response:
    """A request that was kept, with what was sent and answered (bytes in base64)."""
    request_id = request.params["request_id"]
    found = doors.engine.request(request_id)
    if found is None or found.model != request.params["model_name"]:
        raise NotFound(
            f"No request {request_id} of this model is kept. Failures and a sample of the others are, for a while."
        )
    return _json(found)


@route(
    "PUT",
    "/-/recording/{model_name}",
    Listener.MANAGEMENT,
    access="manage",
    query={"version": "Default: the default version.", "count": "How many requests."},
)
async def record(doors: Doors, request: Request) -> Response:
    """Keep the next requests of a version, whatever comes of them."""
    name, version = request.params["model_name"], request.argument("version") or None
    doors.engine.record(name, version, int(_seconds(request, "count")))
    return _json({"status": "recording"})


def _outline(kept: Recorded) -> Recorded:
    """A record without the contents."""
    return msgspec.structs.replace(kept, request=messages.Request(kept.request.id), reply=None)


def _seconds(request: Request, name: str) -> float:
    try:
        return float(request.argument(name) or 0)
    except ValueError:
        return 0.0


def _status(status: ModelStatus) -> dict[str, Any]:
    """A status without the manifest, which can be long."""
    found: dict[str, Any] = msgspec.to_builtins(status)
    del found["spec"]["manifest"]
    return found


def _json(value: Any) -> Response:
    return Response(200, msgspec.json.encode(value), {"content-type": "application/json"})
