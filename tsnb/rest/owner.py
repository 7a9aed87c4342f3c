"""The owner's endpoints under ``/-/``: what the card, the magics and the panel show (docs/architecture.md)."""

from __future__ import annotations

import asyncio
import os
import platform
from typing import Any

import msgspec

from tsnb import __version__
from tsnb.engine.placement import devices
from tsnb.errors import NotFound
from tsnb.messages import ModelStatus
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
    try:
        after = float(request.argument("after") or 0)
    except ValueError:
        after = 0.0
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


def _status(status: ModelStatus) -> dict[str, Any]:
    """A status without the manifest, which can be long."""
    found: dict[str, Any] = msgspec.to_builtins(status)
    del found["spec"]["manifest"]
    return found


def _json(value: Any) -> Response:
    return Response(200, msgspec.json.encode(value), {"content-type": "application/json"})
