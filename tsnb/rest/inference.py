"""The inference API: health and predictions (spec 1)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import lru_cache, partial

from msgspec import Struct, structs

from tsnb import messages
from tsnb.engine.api import Outcome, Stream
from tsnb.errors import BadRequest, HandlerFailed
from tsnb.messages import Parameter, Reply
from tsnb.rest.bodies import has_fields, parameters, query_parameters
from tsnb.rest.routes import (
    ANY,
    Abandon,
    Doors,
    Lane,
    Listener,
    Request,
    Response,
    Told,
    close,
    failed,
    finished,
    ready,
    route,
    status_response,
)
from tsnb.speedups import express

_FRAMING = {"content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "trailer"}
"""Headers that belong to the connection, not to a handler."""
TIMING = "x-tsnb-timing"
"""A request with this header is answered with ``Server-Timing``: where the time went, stage by stage."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@route((*ANY, "OPTIONS"), "/ping/{rest...}", Listener.INFERENCE)
async def ping(doors: Doors, request: Request) -> Response:
    """Whether the default version of every model has its workers."""
    if doors.engine.healthy():
        return status_response("Healthy")
    return status_response("Unhealthy", 500)


def prediction_lane(doors: Doors, request: Request) -> Lane:
    """Run a model on one body after the other, without a coroutine for each: the way most requests go."""
    plan, engine = _planned(request), doors.engine
    headers, mime, timed = plan.headers, plan.mime, plan.timed
    submit = partial(engine.submit, plan.name, plan.version, timed=True)
    take = submit if timed else engine.intake(plan.name, plan.version)
    request = structs.replace(request, body=b"")  # it is kept with the head

    def ask(request_id: str, body: bytes, told: Told) -> Abandon:
        try:
            found = _fields(request, body) if mime is None else (Parameter("body", body, mime),)
            return take(messages.Request(request_id, headers, found), told)
        except Exception as error:
            told(error)
            return _nothing

    def respond(request_id: str, outcome: Outcome) -> Response:
        mine = structs.replace(request, id=request_id)
        try:
            if isinstance(outcome, Exception):
                raise outcome
            response = _answered(outcome, timed)
        except Exception as error:
            response = failed(doors, mine, error)
        return finished(doors, mine, response)

    compiled = None if timed or mime is None else express(take, headers, mime)
    return Lane(ask, respond, plain=not timed, express=compiled)


def _nothing() -> None:
    """What to do to give up a request that is answered already."""


def _fields(request: Request, body: bytes) -> tuple[Parameter, ...]:
    return parameters(structs.replace(request, body=body))


@route(ANY, "/predictions/{model_name}", Listener.INFERENCE, access="infer", lane=prediction_lane)
@route(
    ANY,
    "/predictions/{model_name}/{model_version}/{url_path...}",
    Listener.INFERENCE,
    access="infer",
    lane=prediction_lane,
)
async def predictions(doors: Doors, request: Request) -> Response:
    """Run a model on the body."""
    plan = _planned(request)
    asked = messages.Request(request.id, plan.headers, parameters(request))
    return _answered(await doors.engine.predict(plan.name, plan.version, asked, timed=plan.timed), plan.timed)


class _Plan(Struct, frozen=True):
    """What the head alone says of a prediction. ``mime`` is None where the body holds fields."""

    name: str
    version: str | None
    headers: dict[str, str]
    mime: str | None
    timed: bool


def _planned(request: Request) -> _Plan:
    params = request.params
    headers = {**request.headers, "explain": "False", "url_path": params.get("url_path", "")}
    mime = None if has_fields(request) else request.mime_type
    timed = bool(request.header(TIMING))
    return _Plan(params["model_name"], params.get("model_version"), _with_length(request, headers), mime, timed)


@route(ANY, "/explanations/{model_name}", Listener.INFERENCE, access="infer")
@route(ANY, "/explanations/{model_name}/{model_version}/{url_path...}", Listener.INFERENCE, access="infer")
async def explanations(doors: Doors, request: Request) -> Response:
    """Let a model explain its answer to the body."""
    headers = {"explain": "True", "url_path": request.params.get("url_path", "")}
    return await predict(doors, request, headers)


@route(ANY, "/invocations", Listener.INFERENCE, access="infer", query={"model_name": "The model to run."})
async def invocations(doors: Doors, request: Request) -> Response:
    """Run a model, as SageMaker calls its endpoint."""
    body = query_parameters(request) + parameters(request)
    return await _answer(doors, request, asked_model(doors, request, body), None, {}, body)


def asked_model(doors: Doors, request: Request, body: tuple[Parameter, ...]) -> str:
    """The model of a path that names none (spec 1.5): of the query, the only one, or of a form. Raises BadRequest."""
    name = request.argument("model_name")
    if not name:
        name = _only_model(doors) or name
    if name is None:
        name = _field(body, "model_name")
    if name is None:
        raise BadRequest("Parameter model_name is required.")
    return name


@route(ANY, "/models/{model_name}/invoke", Listener.INFERENCE, access="infer")
async def invoke(doors: Doors, request: Request) -> Response:
    """Run a model, as SageMaker's multi-model endpoints call it."""
    return await predict(doors, request, {}, with_query=True)


@route(ANY, "/{model_name}/predict", Listener.INFERENCE, access="infer")
@route(ANY, "/{model_name}/{model_version}/predict", Listener.INFERENCE, access="infer")
async def legacy_predict(doors: Doors, request: Request) -> Response:
    """Run a model, in the oldest form of the path."""
    return await predict(doors, request, {}, with_query=True)


async def predict(doors: Doors, request: Request, headers: dict[str, str], *, with_query: bool = False) -> Response:
    """Run the model that the path names; ``headers`` are what the handler sees beside the client's own."""
    body = parameters(request)
    if with_query:
        body = query_parameters(request) + body
    name, version = request.params["model_name"], request.params.get("model_version")
    return await _answer(doors, request, name, version, headers, body)


async def _answer(
    doors: Doors,
    request: Request,
    name: str,
    version: str | None,
    headers: dict[str, str],
    body: tuple[Parameter, ...],
) -> Response:
    asked = messages.Request(request.id, _with_length(request, {**request.headers, **headers}), body)
    timed = bool(request.header(TIMING))
    return _answered(await doors.engine.predict(name, version, asked, timed=timed), timed)


def _with_length(request: Request, headers: dict[str, str]) -> dict[str, str]:
    """A request without a body, or with one that came in chunks, shows its length all the same (spec 1.3)."""
    if not request.header("content-length"):
        headers["content-length"] = str(len(request.body))
        spelled = (request.names or {}).get("transfer-encoding")
        if spelled is not None:
            headers.pop(spelled, None)
    return headers


def _answered(answer: Reply | Stream, timed: bool) -> Response:
    if isinstance(answer, Stream):
        response = _response(answer.first)
        response.chunks = Chunks(answer.parts)
        return response
    response = _response(answer)
    if timed:
        response.headers["Server-Timing"] = server_timing(answer.timings, answer.batch)
    return response


def server_timing(timings: dict[str, float], batch: int = 0) -> str:
    """Milliseconds by stage, and the size of the batch, as the value of a ``Server-Timing`` header."""
    stages = {stage: f"{stage};dur={seconds * 1e3:.3f}" for stage, seconds in timings.items()}
    if batch:
        stages["batch"] = f'{stages.get("batch", "batch")};desc="{batch}"'
    return ", ".join(stages.values())


def _response(reply: Reply) -> Response:
    """What the handler returned, with the status and the headers it set and no others (spec 1.4)."""
    if not 200 <= reply.status <= 599:
        raise HandlerFailed(f"The handler set response status {reply.status}; use one from 200 to 599.")
    reason = reply.reason
    headers = dict(_clean(tuple(reply.headers.items()))) if reply.headers else {}
    return Response(reply.status, reply.body, headers, _CONTROL.sub(" ", reason) if reason else reason)


@lru_cache(maxsize=128)
def _clean(given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """A handler's headers without what would break the framing; a model sends the same ones again and again."""
    return {name: _CONTROL.sub(" ", value) for name, value in given if name.lower() not in _FRAMING}


class Chunks:
    """The later parts of a stream as bytes; empty ones send no chunk (spec 1.10)."""

    def __init__(self, parts: AsyncIterator[Reply]) -> None:
        self._parts = parts

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        while True:
            reply = await anext(self._parts)
            if reply.body:
                return reply.body

    def ready(self) -> list[bytes]:
        """The chunks that have come already."""
        return [reply.body for reply in ready(self._parts) if reply.body]

    async def aclose(self) -> None:
        """Cancel what is still to come."""
        await close(self._parts)


def _only_model(doors: Doors) -> str | None:
    """The one model that was loaded at startup."""
    engine = doors.engine
    found = [name for name in engine.models() if engine.describe(name)[0].spec.loaded_at_startup]
    return found[0] if len(found) == 1 else None


def _field(body: tuple[Parameter, ...], name: str) -> str | None:
    values = [parameter.value for parameter in body if parameter.name == name]
    return bytes(values[-1]).decode("utf-8", "replace") if values else None
