"""Request, Response, and the table that says which endpoint answers which path.

An endpoint is a plain async function ``(context, request) -> Response``,
registered by :func:`route`. It knows no web framework: the notebook server
(:mod:`tsnb.rest.in_jupyter`) and the stand-alone front
(:mod:`tsnb.rest.front`) both call :func:`dispatch`. Adding an endpoint is one
decorated function.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Flag, auto
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qs, unquote

from msgspec import Struct, field

from tsnb.config import Config
from tsnb.engine.api import Engine, Outcome
from tsnb.engine.workflows import Workflows
from tsnb.errors import BadRequest, HandlerFailed, MethodNotAllowed, NotFound, TsnbError
from tsnb.speedups import Express

log = logging.getLogger(__name__)


class Listener(Flag):
    """Where a route answers. The notebook server answers all of them."""

    INFERENCE = auto()
    MANAGEMENT = auto()
    METRICS = auto()
    ALL = INFERENCE | MANAGEMENT | METRICS


Access = Literal["read", "infer", "manage"]
"""What a caller needs: to look, to run a model, or to change which models there are."""


class Request(Struct):
    """An HTTP request with its body complete.

    ``path`` is as on the request line, still percent-encoded, without query
    and base URL: :func:`split` decodes it segment by segment.
    """

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """One value per name, in the client's own spelling; the last of repeated ones wins."""
    body: bytes = b""
    listener: Listener = Listener.ALL
    remote: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    params: dict[str, str] = field(default_factory=dict)
    """The variable segments of the route's path."""

    names: dict[str, str] | None = None
    """From a header's name in lower case to the client's spelling; made when needed."""
    memo: dict[str, Any] = field(default_factory=dict)
    """What was found out from method, path and headers alone: requests with the same head may share it."""

    def header(self, name: str, default: str = "") -> str:
        """The value of a header, by its name in lower case."""
        if self.names is None:
            self.names = {spelled.lower(): spelled for spelled in self.headers}
        spelled = self.names.get(name)
        return default if spelled is None else self.headers[spelled]

    def argument(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter (as in TorchServe)."""
        values = self.query.get(name)
        return values[0] if values else default

    @property
    def mime_type(self) -> str:
        """The content type without its parameters, as sent (spec 1.3: matched case-sensitively)."""
        return self.header("content-type").split(";", 1)[0].strip()


class Response(Struct):
    """An HTTP answer. ``chunks``, when given, are sent one by one after ``body``.

    ``request_id`` is empty where the request was never understood; such an
    answer is bare.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    chunks: AsyncIterator[bytes] | None = None
    request_id: str = ""

    def all_headers(self) -> dict[str, str]:
        """The headers with those that every answer has; a handler cannot set these (spec 1.4)."""
        if not self.request_id:
            return self.headers
        own = {name: value for name, value in self.headers.items() if name.lower() not in OURS}
        return {**own, "x-request-id": self.request_id, **NO_CACHE}

    async def close(self) -> None:
        """Give up the chunks that were not read; the work behind them is cancelled."""
        await close(self.chunks)


async def close(parts: object) -> None:
    """Close an asynchronous iterator that can be closed; what it waits for is cancelled."""
    aclose = getattr(parts, "aclose", None)
    if aclose is not None:
        await aclose()


def ready(parts: object) -> list[Any]:
    """What an asynchronous iterator could give without waiting, if it says so; nothing otherwise."""
    take = getattr(parts, "ready", None)
    return take() if take is not None else []


class Doors(Struct):
    """What an endpoint may reach: the engine, the settings, and nothing of the house around it."""

    engine: Engine
    config: Config
    served: Workflows | None = None

    @property
    def workflows(self) -> Workflows:
        """The workflows over this engine, made on first use."""
        if self.served is None:
            self.served = Workflows(self.engine, self.config)
        return self.served


Endpoint: TypeAlias = Callable[[Doors, Request], Awaitable[Response]]
Told: TypeAlias = Callable[[Outcome], None]
Abandon: TypeAlias = Callable[[], None]


class Lane(Struct, frozen=True, eq=False):
    """The fast way for requests of one head, of which only the bodies differ.

    ``ask`` takes the id and the body of each and returns at once, never raises, and tells the outcome once, perhaps
    before it returns. ``respond`` makes the answer of an outcome, counted and with the request's id, errors included.
    """

    ask: Callable[[str, bytes, Told], Abandon]
    respond: Callable[[str, Outcome], Response]
    plain: bool = True
    """Whether the answer has nothing but what the handler gave it, and what every answer has."""
    express: Express | None = None
    """The same lane, compiled, for connections at rest."""


Opener: TypeAlias = Callable[[Doors, Request], Lane]
"""What makes the lane of a head, and must not keep the body of that request. Raises what the endpoint would."""


class Route(Struct, frozen=True):
    """One line of the table. ``query`` describes the query parameters, for the OpenAPI document."""

    methods: tuple[str, ...]
    path: str
    segments: tuple[str, ...]
    listener: Listener
    endpoint: Endpoint
    summary: str
    access: Access = "read"
    query: dict[str, str] = {}
    lane: Opener | None = None

    def answers(self, method: str) -> bool:
        """Whether it takes this method. HEAD is taken wherever GET is."""
        return method in self.methods or (method == "HEAD" and "GET" in self.methods)


MAX_FIELDS = 1000
"""Most parameters in a query string."""

NO_ROUTE = "Requested resource is not found, please refer to API document."
ROUTES: list[Route] = []
"""Every route, in the order of definition."""

ANY = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH")
"""Methods that run a model; OPTIONS describes it."""

_VARIABLE = "{"
"""The bucket of the routes whose first segment is a variable; they are tried last."""
_buckets: dict[str, list[Route]] = {}


def route(
    methods: str | tuple[str, ...],
    path: str,
    listener: Listener,
    *,
    access: Access = "read",
    query: dict[str, str] | None = None,
    lane: Opener | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint.

    ``{name}`` is one segment, ``{name}:verb`` one that ends so, and
    ``{name...}`` the rest of the path, which may be empty.
    """
    wanted = tuple(methods.split()) if isinstance(methods, str) else methods

    def register(endpoint: Endpoint) -> Endpoint:
        summary = (endpoint.__doc__ or "").strip().split("\n")[0]
        segments = tuple(split(path))
        found = Route(wanted, path, segments, listener, endpoint, summary, access, query or {}, lane)
        ROUTES.append(found)
        first = segments[0] if segments else ""
        _buckets.setdefault(_VARIABLE if first.startswith("{") else first, []).append(found)
        _matches.cache_clear()
        return endpoint

    return register


def split(path: str) -> list[str]:
    """The decoded segments of a path; trailing empty ones vanish (spec 0.2)."""
    segments = path.split("/")[1:]
    while segments and not segments[-1]:
        segments.pop()
    return [unquote(segment) for segment in segments]


def parse_query(text: str, limit: int | None = MAX_FIELDS) -> dict[str, list[str]]:
    """A query string as :class:`Request` has it; a name without a value is the empty text.

    Parameters may have ``;`` between them as well as ``&``, as in TorchServe. Raises BadRequest
    for more than ``limit``.
    """
    if not text:
        return {}
    try:
        return parse_qs(text.replace(";", "&"), keep_blank_values=True, max_num_fields=limit)
    except ValueError as error:
        raise BadRequest(f"The query string has more than {limit} parameters.") from error


def match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    """The variables of a pattern that fits these segments, or None."""
    params: dict[str, str] = {}
    for index, part in enumerate(pattern):
        if part.endswith("...}"):
            params[part[1:-4]] = "/".join(segments[index:])
            return params
        if index >= len(segments):
            return None
        if part.startswith("{"):
            name, _, ending = part[1:].partition("}")
            value = segments[index]
            if not value.endswith(ending):
                return None
            params[name] = value.removesuffix(ending)
        elif part != segments[index]:
            return None
    return params if len(pattern) == len(segments) else None


@lru_cache(maxsize=1024)
def _matches(path: str, listener: Listener) -> tuple[tuple[Route, dict[str, str]], ...]:
    segments = split(path)
    first = segments[0] if segments else ""
    if first.lower() == "wfpredict":  # the one word that TorchServe knows in any case (spec 0.2)
        first = segments[0] = "wfpredict"
    candidates = [*_buckets.get(first, ()), *_buckets.get(_VARIABLE, ())]
    found = ((each, match(each.segments, segments)) for each in candidates if each.listener & listener)
    return tuple((each, params) for each, params in found if params is not None)


def find(request: Request) -> Route:
    """The route for a request; its variables are put into ``request.params``.

    Raises NotFound if no path fits on this listener, MethodNotAllowed if only
    other methods do.
    """
    matches = _matches(request.path, request.listener)
    for candidate, params in matches:
        if candidate.answers(request.method):
            request.params = dict(params)
            return candidate
    if matches:
        raise MethodNotAllowed("Requested method is not allowed, please refer to API document.")
    raise NotFound(NO_ROUTE)


async def dispatch(doors: Doors, request: Request) -> Response:
    """Answer a request, errors included. Never raises but for cancellation."""
    try:
        response = await find(request).endpoint(doors, request)
    except Exception as error:
        response = failed(doors, request, error)
    if request.method == "HEAD":
        await _behead(response)
    return finished(doors, request, response)


def finished(doors: Doors, request: Request, response: Response) -> Response:
    """Give an answer what every answer has (see :meth:`Response.all_headers`), and count it."""
    response.request_id = request.id
    doors.engine.count_response(response.status)
    return response


def failed(doors: Doors, request: Request, error: Exception) -> Response:
    """The answer to a request that ended in an error. What nobody foresaw is told to the log, not to the client."""
    if isinstance(error, TsnbError):
        if error.failure is not None:
            doors.engine.remember(request.id, error.failure)
        return _of_handler(error) if isinstance(error, HandlerFailed) else error_response(error)
    log.error("unexpected error in request %s: %s %s", request.id, request.method, request.path, exc_info=error)
    return error_response(TsnbError(f"Unexpected error; the server's log tells more under {request.id}."))


def _of_handler(error: HandlerFailed) -> Response:
    """What a handler raised. 413 is told as 507, and 200 by a text of no meaning, as in TorchServe (spec 1.4)."""
    if error.status == 200:
        return Response(200, b"error", reason="")
    if error.status == 413:
        error.status = 507
    return error_response(error)


def open_lane(doors: Doors, request: Request) -> Lane | None:
    """The fast way for requests with the head of this one, where its endpoint has one."""
    for candidate, params in _matches(request.path, request.listener)[:1]:
        if candidate.lane is not None and request.method in candidate.methods and request.method != "HEAD":
            request.params = dict(params)
            return candidate.lane(doors, request)
    return None


async def _behead(response: Response) -> None:
    """Keep the headers of an answer and drop what a HEAD request must not get."""
    if response.chunks is None:
        response.headers["content-length"] = str(len(response.body))
    await response.close()
    response.chunks = None
    response.body = b""


NO_CACHE = {
    "Pragma": "no-cache",
    "Cache-Control": "no-cache; no-store, must-revalidate, private",
    "Expires": "Thu, 01 Jan 1970 00:00:00 UTC",
}
"""Headers of every answer (spec 0.3)."""
OURS = frozenset({"x-request-id", *(name.lower() for name in NO_CACHE)})
"""Names of headers, in lower case, that only the server sets."""


def stamp(response: Response, request: Request) -> Response:
    """Give an answer what every answer has: see :meth:`Response.all_headers`."""
    response.request_id = request.id
    return response


def refusal(request: Request, error: TsnbError) -> Response:
    """The answer to a request that never reaches an endpoint."""
    return stamp(error_response(error), request)


def json_response(value: Any, status: int = 200) -> Response:
    """Pretty JSON with two spaces and a final newline (spec 0.4)."""
    # What UTF-8 cannot hold, a lone surrogate, becomes the escape that JSON has for it.
    body = json.dumps(value, indent=2, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
    return Response(status, body, {"content-type": "application/json"})


def status_response(text: str, status: int = 200) -> Response:
    """``{"status": text}``, the answer of an action that worked."""
    return json_response({"status": text}, status)


def error_response(error: TsnbError) -> Response:
    """``{code, type, message}``: the only form an error has for clients."""
    body = {"code": error.status, "type": error.type, "message": error.message}
    return json_response(body, error.status)
