"""The owner's endpoints under ``/-/``: what the card, the magics and the panel show (docs/architecture.md)."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from typing import Any

import msgspec
import psutil

from tsnb import __version__, messages
from tsnb.engine.api import Stream
from tsnb.engine.placement import devices
from tsnb.errors import BadRequest, HandlerFailed, NotFound, RequestTimeout, TsnbError, WorkerDied
from tsnb.messages import Failure, ModelStatus, Recorded, Reply, Revision
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
        "memory": _memory(),
        "cpus": os.cpu_count() or 1,
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
    return _json(_kept(doors, request.params["model_name"], request.params["request_id"]))


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


@route(
    "POST",
    "/-/replays/{model_name}",
    Listener.MANAGEMENT,
    access="manage",
    query={"version": "Default: the default version.", "request_id": "A request that was kept, in place of a body."},
)
async def replay(doors: Doors, request: Request) -> Response:
    """Ask a model a recorded request again. The body is that request as JSON, the answer a record of what came of it.

    Failures are told in full, and nothing of it is kept.
    """
    name, version = request.params["model_name"], request.argument("version") or None
    asked = _request_again(doors, request)
    spec = doors.engine.describe(name, version)[0].spec
    begun, clock = time.time(), time.perf_counter()
    reply, error = await _outcome(doors, name, version, asked)
    status = reply.status if reply is not None else error.status if error is not None else 200
    return _json(
        Recorded(
            request=messages.Request(asked.id, replay_of=asked.replay_of),
            model=name,
            version=spec.version,
            build=spec.build,
            time=begun,
            seconds=time.perf_counter() - clock,
            status=status,
            size=sum(len(parameter.value) for parameter in asked.parameters),
            timings=reply.timings if reply is not None else {},
            reply=reply,
            failure=_told(error) if error is not None else None,
        )
    )


def _request_again(doors: Doors, request: Request) -> messages.Request:
    """The recorded request under a new id. Raises NotFound, BadRequest."""
    wanted = request.argument("request_id")
    if wanted:
        given = _kept(doors, request.params["model_name"], wanted).request
        if not given.headers and not given.parameters:
            raise NotFound(
                f"Of request {wanted} nothing was kept that could be sent again: its model is private, or "
                "it was larger than record_bytes."
            )
    else:
        try:
            given = msgspec.json.decode(request.body, type=messages.Request)
        except msgspec.MsgspecError as error:
            raise BadRequest(f"The body is no request: {error}. Send {{id, headers, parameters}} as JSON.") from error
    return messages.Request(request.id, given.headers, given.parameters, replay_of=given.id or "unknown")


async def _outcome(
    doors: Doors, name: str, version: str | None, asked: messages.Request
) -> tuple[Reply | None, TsnbError | None]:
    try:
        answer = await doors.engine.predict(name, version, asked, timed=True)
        if not isinstance(answer, Stream):
            return answer, None
        body = b"".join([answer.first.body, *[part.body async for part in answer.parts]])
        return msgspec.structs.replace(answer.first, body=body, more=False), None
    except (HandlerFailed, WorkerDied, RequestTimeout) as error:
        return None, error


def _told(error: TsnbError) -> Failure:
    return error.failure or Failure(type(error).__name__, error.message)


def _kept(doors: Doors, name: str, request_id: str) -> Recorded:
    found = doors.engine.request(request_id)
    if found is None or found.model != name:
        raise NotFound(
            f"No request {request_id} of this model is kept. Failures and a sample of the others are, for a while."
        )
    return found


def _outline(kept: Recorded) -> Recorded:
    """A record without the contents."""
    return msgspec.structs.replace(kept, request=messages.Request(kept.request.id), reply=None)


def _seconds(request: Request, name: str) -> float:
    try:
        return float(request.argument(name) or 0)
    except ValueError:
        return 0.0


def _memory() -> dict[str, int]:
    """The machine's main memory in bytes."""
    found = psutil.virtual_memory()
    return {"total": found.total, "available": found.available}


def _status(status: ModelStatus) -> dict[str, Any]:
    """A status without the manifest, which can be long."""
    found: dict[str, Any] = msgspec.to_builtins(status)
    del found["spec"]["manifest"]
    return found


def _json(value: Any) -> Response:
    return Response(200, msgspec.json.encode(value), {"content-type": "application/json"})
