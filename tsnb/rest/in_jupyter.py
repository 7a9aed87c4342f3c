"""The endpoints inside the notebook server: tornado and Jupyter's users on one side, :mod:`routes` on the other.

Every method asks Jupyter who the caller is and what he may do. Looking needs
``read`` on ``tsnb``, running a model ``write``, and registering, scaling or
deleting one ``execute``, since an archive is code.
"""

from __future__ import annotations

import asyncio
import hmac
from http.client import responses
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, urlencode

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError

from tsnb.config import Config
from tsnb.errors import BadRequest, InvalidKey, MethodNotAllowed, NotFound, RequestTooLarge, TsnbError
from tsnb.rest import routes
from tsnb.rest.routes import Doors, Listener, Request, Response

ACTIONS = {"read": "read", "infer": "write", "manage": "execute"}
"""What a route needs → the permission that Jupyter's authorizer is asked for."""

PRIVATE = {"authorization", "cookie", "x-xsrftoken"}
"""Headers that open the notebook server; no handler needs to see them."""

LINGER = 2.0
"""Seconds for which the rest of a refused body is read and dropped: closing at once would tear the answer away."""

HOUSE = {"content-security-policy", "x-content-type-options", "set-cookie"}
"""Headers that protect the notebook server's own origin; no handler can set them."""

TYPES = {error.status: error.type for error in (BadRequest, NotFound, MethodNotAllowed, RequestTooLarge)}


class Host(Protocol):
    """The house that the handlers stand in: its settings and, once somebody knocks, its engine."""

    config: Config
    secret: str
    """A token of our own for the kernels, where the notebook server has none; else empty."""
    predicting: int
    """Predictions under way."""

    async def doors(self) -> Doors:
        """The engine, started on first use. Raises Conflict when the model store is taken."""


@web.stream_request_body
class TsnbHandler(APIHandler):
    """Answers everything under ``<base_url>tsnb/``."""

    auth_resource = "tsnb"

    def initialize(self, host: Host) -> None:
        """Called by tornado with what the route table of the notebook server holds."""
        self.host = host
        self.incoming = self._incoming()
        self.access = self._access()
        self._parts: list[bytes] = []
        self._received = 0
        self._client_gone = False
        self._refused = False
        self._work: asyncio.Task[Any] | None = None
        # Panels and scrapers that only look must not keep an idle server alive.
        self._track_activity = self.access != "read"

    # --- before the body ------------------------------------------------------------------------------

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse strangers and large bodies before a byte of the body is read."""
        self._accept_own_token()
        await super().prepare()
        if self._is_preflight():
            return
        if self.current_user is None:
            raise web.HTTPError(403)
        if self.access == "infer" and self.request.method in ("GET", "HEAD"):
            self.check_xsrf_cookie()  # a GET may run a model, so it must not come from another site
        length = int(self.request.headers.get("Content-Length") or 0)
        # Our limit decides, for any length: tornado's own would cut the connection without an answer.
        self._connection.set_max_body_size(2**63)
        if length > self.host.config.max_request_size:
            if "Expect" in self.request.headers:  # nothing is under way yet
                raise web.HTTPError(413)
            self._refuse_body()

    def _accept_own_token(self) -> None:
        """Let kernels in when the notebook server has a password, or nothing, in place of a token."""
        sent = self.request.headers.get("Authorization", "").rpartition(" ")[2]
        if self.host.secret and hmac.compare_digest(sent.encode(), self.host.secret.encode()):
            self._jupyter_current_user = self.identity_provider.generate_anonymous_user(self)
            self._token_authenticated = True

    def data_received(self, chunk: bytes) -> None:
        """A piece of the body. Without a length it may turn out too large only now."""
        self._received += len(chunk)
        if self._received <= self.host.config.max_request_size:
            self._parts.append(chunk)
        elif not self._refused:
            self._parts.clear()
            self._refuse_body()

    def _refuse_body(self) -> None:
        """Answer while the body is still coming, and part a little later."""
        self._refused = True
        response = routes.refusal(self.incoming, self._refusal(413, None))
        self.set_status(413)
        for name, value in response.all_headers().items():
            self.set_header(name, value)
        self.set_header("Content-Length", str(len(response.body)))
        self.set_header("Connection", "close")
        self.write(response.body)
        self.flush()
        IOLoop.current().call_later(LINGER, self._part)

    def _part(self) -> None:
        if not self._finished:
            self.finish()

    # --- methods --------------------------------------------------------------------------------------

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Look at something, or run a model."""
        await self._serve()

    @web.authenticated
    @authorized
    async def head(self) -> None:
        """As GET, without a body."""
        await self._serve()

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Run a model, or register one."""
        await self._serve()

    @web.authenticated
    @authorized
    async def put(self) -> None:
        """Run a model, or change one."""
        await self._serve()

    @web.authenticated
    @authorized
    async def patch(self) -> None:
        """Run a model."""
        await self._serve()

    @web.authenticated
    @authorized
    async def delete(self) -> None:
        """Run a model, or unregister one."""
        await self._serve()

    @allow_unauthenticated
    async def options(self) -> None:  # type: ignore[override]
        """A browser's preflight, which never has a token; anything else is asked who it is."""
        if self._is_preflight():
            super().options()
        else:
            await ensure_async(self._options())

    @web.authenticated
    @authorized
    async def _options(self) -> None:
        await self._serve()

    def _is_preflight(self) -> bool:
        return self.request.method == "OPTIONS" and "Access-Control-Request-Method" in self.request.headers

    # --- the answer -----------------------------------------------------------------------------------

    async def _serve(self) -> None:
        if self._refused:
            self._part()
            return
        action = ACTIONS[self.access]
        if not await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, self.auth_resource)):
            raise web.HTTPError(403, f"User is not authorized to {action} on resource: {self.auth_resource}.")
        self.incoming.body = b"".join(self._parts)
        self._parts.clear()
        self._work = asyncio.current_task()
        try:
            await self._answer()
        except asyncio.CancelledError:
            if not self._client_gone:
                raise
        finally:
            self._work = None

    async def _answer(self) -> None:
        predicting = self.access == "infer"
        self.host.predicting += predicting
        try:
            await self._send(await self._response())
        finally:
            self.host.predicting -= predicting

    async def _response(self) -> Response:
        try:
            doors = await self.host.doors()
        except TsnbError as error:
            return routes.refusal(self.incoming, error)
        return await routes.dispatch(doors, self.incoming)

    async def _send(self, response: Response) -> None:
        self.set_status(response.status, _reason(response))
        self.clear_header("Content-Type")  # none is sent unless the handler sets one (spec 1.4)
        for name, value in response.all_headers().items():
            if name.lower() not in HOUSE:
                self.set_header(name, value)
        if response.chunks is None:
            self.finish(response.body if response.status not in (204, 304) else None)
            return
        try:
            await self._stream(response)
        finally:
            await response.close()

    async def _stream(self, response: Response) -> None:
        """Send parts as they come. A failure cuts the connection, so that no one takes the half for the whole."""
        assert response.chunks is not None  # noqa: S101
        self.set_header("X-Accel-Buffering", "no")
        try:
            self.write(response.body)
            await self.flush()
            async for chunk in response.chunks:
                for part in (chunk, *routes.ready(response.chunks)):
                    self.write(part)
                await self.flush()
        except StreamClosedError:
            return
        except TsnbError as error:
            self.log.warning("stream of request %s broke off: %s", self.incoming.id, error)
            self._connection.close()
            return
        self.finish()

    def on_connection_close(self) -> None:
        """The client is gone: the model need not answer. A change of models is carried through."""
        super().on_connection_close()
        self._client_gone = True
        if self._work is not None and self.access == "infer":
            self._work.cancel()

    @property
    def _connection(self) -> HTTP1Connection:
        return cast("HTTP1Connection", self.request.connection)

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """End the answer with the content type it has, where Jupyter's would force JSON."""
        self.update_api_activity()
        return web.RequestHandler.finish(self, *args, **kwargs)

    def compute_etag(self) -> None:
        """No answer here may be cached."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Refusals of tornado and Jupyter, in the one form that errors have."""
        error = self._refusal(status_code, kwargs.get("exc_info", (None, None, None))[1])
        response = routes.refusal(self.incoming, error)
        for name, value in response.all_headers().items():
            self.set_header(name, value)
        self.finish(response.body)

    def _refusal(self, status: int, error: BaseException | None) -> TsnbError:
        if status == 413:
            return RequestTooLarge(self._too_large())
        refused: TsnbError
        if status == 403 and self.current_user is None:
            refused = InvalidKey("Token missing or wrong. Send the notebook server's: Authorization: token <token>.")
        else:
            said = error.log_message if isinstance(error, web.HTTPError) else None
            refused = _Refused(said or responses.get(status, "Unknown error"), TYPES.get(status, TsnbError.type))
        refused.status = status
        return refused

    def _too_large(self) -> str:
        length = self.request.headers.get("Content-Length")
        size = f"{length} bytes" if length else f"at least {self._received} bytes"
        limit = self.host.config.max_request_size
        return f"The body has {size}, the limit is {limit}. Raise it with c.TsnbApp.max_request_size."

    # --- the request ----------------------------------------------------------------------------------

    def _incoming(self) -> Request:
        request = self.request
        return Request(
            method=request.method or "",
            path=request.path[len(self.base_url) + len("tsnb") :] or "/",
            query=routes.parse_query(_without_token(request.query), None) if request.query else {},
            headers={name: value for name, value in request.headers.get_all() if name.lower() not in PRIVATE},
            listener=Listener.ALL,
            remote=request.remote_ip or "",
        )

    def _access(self) -> routes.Access:
        """What the route needs; a path that is no route is only looked at."""
        try:
            return routes.find(self.incoming).access
        except TsnbError:
            return "read"


def _without_token(query: str) -> str:
    pairs = parse_qsl(query.replace(";", "&"), keep_blank_values=True)  # as routes.parse_query takes them apart
    return urlencode([(name, value) for name, value in pairs if name != "token"])


class _Refused(TsnbError):
    """An answer of tornado or Jupyter in our form."""

    def __init__(self, message: str, type_name: str) -> None:
        super().__init__(message)
        self.type = type_name  # type: ignore[misc]


def _reason(response: Response) -> str:
    return response.reason or responses.get(response.status, "Unknown")
