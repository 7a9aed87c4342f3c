"""Request, Response, and the table that says which endpoint answers which path.

An endpoint is a plain async function ``(context, request) -> Response``,
registered by :func:`route`. It knows no web framework: the notebook server
(:mod:`tsnb.rest.in_jupyter`) and the stand-alone front
(:mod:`tsnb.rest.front`) both call :func:`dispatch`. Adding an endpoint is one
decorated function.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Flag, auto
from typing import Any, TypeAlias
from urllib.parse import unquote

from msgspec import Struct, field

from tsnb.config import Config
from tsnb.engine.api import Engine
from tsnb.errors import MethodNotAllowed, NotFound, TsnbError


class Listener(Flag):
    """Where a route answers. The notebook server answers all of them."""

    INFERENCE = auto()
    MANAGEMENT = auto()
    METRICS = auto()
    ALL = INFERENCE | MANAGEMENT | METRICS


class Request(Struct):
    """An HTTP request with its body complete. ``path`` is decoded and without the base URL."""

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

    def header(self, name: str, default: str = "") -> str:
        """A header's value, whatever its case."""
        wanted = name.lower()
        for key, value in self.headers.items():
            if key.lower() == wanted:
                return value
        return default

    def argument(self, name: str, default: str | None = None) -> str | None:
        """The last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else default

    @property
    def mime_type(self) -> str:
        """The content type without its parameters, as sent (spec 1.3: matched case-sensitively)."""
        return self.header("content-type").split(";", 1)[0].strip()


class Response(Struct):
    """An HTTP answer. ``chunks``, when given, are sent one by one after ``body``."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    chunks: AsyncIterator[bytes] | None = None


class Doors(Struct):
    """What an endpoint may reach: the engine, the settings, and nothing of the house around it."""

    engine: Engine
    config: Config


Endpoint: TypeAlias = Callable[[Doors, Request], Awaitable[Response]]


class Route(Struct, frozen=True):
    """One line of the table."""

    methods: tuple[str, ...]
    path: str
    segments: tuple[str, ...]
    listener: Listener
    endpoint: Endpoint
    summary: str


ROUTES: list[Route] = []
"""Every route, in the order of definition; the first that fits answers."""

ANY = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH")


def route(methods: str | tuple[str, ...], path: str, listener: Listener) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint. ``{name}`` is one segment, ``{name...}`` the rest of the path."""
    wanted = tuple(methods.split()) if isinstance(methods, str) else methods

    def register(endpoint: Endpoint) -> Endpoint:
        summary = (endpoint.__doc__ or "").strip().split("\n")[0]
        ROUTES.append(Route(wanted, path, tuple(split(path)), listener, endpoint, summary))
        return endpoint

    return register


def split(path: str) -> list[str]:
    """The segments of a path; trailing empty ones vanish (spec 0.2)."""
    segments = path.split("/")[1:]
    while segments and not segments[-1]:
        segments.pop()
    return [unquote(segment) for segment in segments]


def match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    """The variables of a pattern that fits these segments, or None."""
    params: dict[str, str] = {}
    for index, part in enumerate(pattern):
        if part.startswith("{") and part.endswith("...}"):
            params[part[1:-4]] = "/".join(segments[index:])
            return params
        if index >= len(segments):
            return None
        if part.startswith("{"):
            params[part[1:-1]] = segments[index]
        elif part != segments[index]:
            return None
    return params if len(pattern) == len(segments) else None


def find(request: Request) -> Route:
    """The route for a request; its variables are put into ``request.params``.

    Raises NotFound if no path fits on this listener, MethodNotAllowed if only
    other methods do.
    """
    segments = split(request.path)
    known = False
    for candidate in ROUTES:
        if not candidate.listener & request.listener:
            continue
        params = match(candidate.segments, segments)
        if params is None:
            continue
        if request.method in candidate.methods:
            request.params = params
            return candidate
        known = True
    if known:
        raise MethodNotAllowed("Requested method is not allowed, please refer to API document.")
    raise NotFound("Requested resource is not found, please refer to API document.")


async def dispatch(doors: Doors, request: Request) -> Response:
    """Answer a request, errors included. Never raises but for cancellation."""
    try:
        response = await find(request).endpoint(doors, request)
    except TsnbError as error:
        response = error_response(error)
    for name, value in {"x-request-id": request.id, **NO_CACHE}.items():
        response.headers.setdefault(name, value)
    doors.engine.count_response(response.status)
    return response


NO_CACHE = {
    "Pragma": "no-cache",
    "Cache-Control": "no-cache; no-store, must-revalidate, private",
    "Expires": "Thu, 01 Jan 1970 00:00:00 UTC",
}
"""Headers of every answer (spec 0.3)."""


def json_response(value: Any, status: int = 200) -> Response:
    """Pretty JSON with two spaces and a final newline (spec 0.4)."""
    body = json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
    return Response(status, body, {"content-type": "application/json"})


def status_response(text: str, status: int = 200) -> Response:
    """``{"status": text}``, the answer of an action that worked."""
    return json_response({"status": text}, status)


def error_response(error: TsnbError) -> Response:
    """``{code, type, message}``: the only form an error has for clients."""
    body = {"code": error.status, "type": error.type, "message": error.message}
    return json_response(body, error.status)
