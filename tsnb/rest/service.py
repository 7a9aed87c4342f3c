"""What all connections share: the endpoints behind them, the guard before them, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

from tsnb.config import Config
from tsnb.errors import BadRequest, RequestTimeout, TsnbError
from tsnb.rest import wire
from tsnb.rest.heads import Head, Heads, Incoming
from tsnb.rest.reader import Refusal
from tsnb.rest.routes import (
    Doors,
    Lane,
    Listener,
    Request,
    Response,
    dispatch,
    error_response,
    open_lane,
    parse_query,
    stamp,
)
from tsnb.rest.tokens import is_preflight
from tsnb.speedups import ServiceBase

if TYPE_CHECKING:
    from tsnb.rest.http1 import Connection

log = logging.getLogger("tsnb.rest")

Guard: TypeAlias = Callable[[Request], Response | None]
"""Looks at a request first; answers it instead of an endpoint, or raises, or lets it pass (None)."""
Record: TypeAlias = Callable[[str, str, str, int, float], None]
"""Takes remote address, method, target, status and milliseconds of an answered request."""


class Service(ServiceBase):
    """Turns what a connection read into what it should write."""

    def __init__(
        self,
        doors: Doors,
        guard: Guard | None = None,
        record: Record | None = None,
        endpoints: Callable[[Doors, Request], Awaitable[Response]] = dispatch,
    ) -> None:
        self.config: Config = doors.config
        self.connections: set[Connection] = set()
        #: What each listener knows of the requests it saw before.
        self.heads: defaultdict[Listener, Heads] = defaultdict(Heads)
        #: Large bodies since the memory of earlier ones was given back.
        self.large_bodies = 0
        self._doors = doors
        self._guard = guard
        #: Whether every request passes.
        self.open = guard is None
        self._endpoints = endpoints
        self._record = record
        #: Whether answered requests are noted.
        self.recording = record is not None
        #: Header lines of the settings ``cors_*``, by their names in lower case.
        self.cors = _cors(doors.config)
        #: All of them: those of an answer without headers of its own.
        self.extra = "".join(self.cors.values())
        self.around = wire.around(self.extra)
        #: So many answers were given with this status.
        self.count_response = doors.engine.count_response

    def lane(self, head: Head, body: bytes, listener: Listener) -> Lane | None:
        """The fast way for a request with this head, if it has one and the guard lets it pass.

        None where :meth:`answer` must be awaited instead.
        """
        try:
            if head.asked is None:
                self._look(Incoming(head, body), listener)
            if self._guard is not None and head.asked is not None and self._guard(head.asked) is not None:
                return None
        except TsnbError:
            return None
        return head.lane

    def _look(self, incoming: Incoming, listener: Listener) -> None:
        """Find the lane of a head, once. Raises what the endpoint would."""
        head, request = incoming.head, _request(incoming, listener, "-")
        head.lane = open_lane(self._doors, request) if self._endpoints is dispatch else None
        request.body = b""  # it is kept with the head
        head.asked = request

    async def answer(self, incoming: Incoming, listener: Listener, remote: str) -> Response:
        """The answer of the guard or of an endpoint. Raises nothing but cancellation."""
        try:
            request = _request(incoming, listener, remote)
            answered = Response(200) if self.cors and is_preflight(request) else None
            if answered is None and self._guard is not None:
                answered = self._guard(request)
            if answered is None:
                return await self._endpoints(self._doors, request)
        except TsnbError as error:
            answered = error_response(error)
        except Exception:
            log.exception("%s %s failed inside the server", incoming.head.method, incoming.head.target)
            answered = error_response(TsnbError("The server failed to answer; its log says why."))
        return self._complete(answered)

    def _complete(self, response: Response) -> Response:
        """Give an answer that did not come from an endpoint what every answer has (spec 0.3)."""
        self._doors.engine.count_response(response.status)
        return stamp(response, Request("", ""))

    def refused(self, refusal: Refusal) -> Response:
        """The answer to a request that was never read to its end; 413 and 417 are bare (spec 0.5)."""
        if not refusal.message:
            self._doors.engine.count_response(refusal.status)
            return Response(refusal.status)
        error: TsnbError = RequestTimeout(refusal.message) if refusal.status == 408 else BadRequest(refusal.message)
        error.status = refusal.status
        return self._complete(error_response(error))

    def own_headers(self, response: Response) -> str:
        """Header lines of the settings ``cors_*``, but those that the answer has already."""
        present = {name.lower() for name in response.headers}
        return "".join(line for name, line in self.cors.items() if name not in present)

    def finished(self, remote: str, method: str, target: str, status: int, begun: float) -> None:
        """A request was answered: note it."""
        if self._record is not None:
            self._record(remote, method, target, status, (perf_counter() - begun) * 1000)

    def broken(self, error: Exception) -> None:
        """A stream failed after its first part had left."""
        if not isinstance(error, TsnbError):
            log.error("A streamed answer failed", exc_info=error)

    async def drain(self, timeout: float) -> None:
        """Let every connection finish the answer it is making, for at most ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        for connection in list(self.connections):
            connection.drain()
        while self.connections and loop.time() < deadline:
            await asyncio.sleep(0.01)
        self.abort()

    def abort(self) -> None:
        """Drop every connection at once."""
        for connection in list(self.connections):
            connection.abort()


def _request(incoming: Incoming, listener: Listener, remote: str) -> Request:
    head = incoming.head
    path, query = head.memo.get("target") or _target(head)
    return Request(
        head.method, path, query, head.headers, incoming.body, listener, remote, new_id(), {}, head.names, head.memo
    )


def _target(head: Head) -> tuple[str, dict[str, list[str]]]:
    """Path and query of a head, found once. Raises BadRequest."""
    path, _, query = head.target.partition("#")[0].partition("?")  # what follows # is the client's own affair
    found = head.memo["target"] = path, parse_query(query)
    return found


def _fresh_ids() -> Iterator[list[str]]:
    """Random UUIDs, 256 at a time: those of one lot differ in their first 32 bits, which people read, and last 16."""
    while True:
        middle = str(uuid.uuid4())[8:32]
        pool = os.urandom(6 * 256).hex()
        yield [pool[at : at + 8] + middle + pool[at + 8 : at + 12] for at in range(0, len(pool), 12)]


_ids = chain.from_iterable(_fresh_ids())
new_id: Callable[[], str] = _ids.__next__
"""The id of a request to come: a random UUID in a twentieth of the time of ``uuid.uuid4``."""


def _cors(config: Config) -> dict[str, str]:
    values = {
        "Access-Control-Allow-Origin": config.cors_allowed_origin,
        "Access-Control-Allow-Methods": config.cors_allowed_methods,
        "Access-Control-Allow-Headers": config.cors_allowed_headers,
    }
    return {name.lower(): wire.line(name, value) for name, value in values.items() if value}
