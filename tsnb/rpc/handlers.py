"""From the table of methods to what a gRPC server calls: tokens first, then the endpoint, errors as statuses."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from time import perf_counter, time
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc import StatusCode

from tsnb.errors import BadRequest, InvalidKey, TsnbError
from tsnb.rest.routes import Doors
from tsnb.rest.tokens import REFUSED, Keys, Kind
from tsnb.rpc import statuses
from tsnb.rpc.calls import METHODS, Call, Method
from tsnb.rpc.descriptors import MANAGEMENT, Message, message, service

log = logging.getLogger("tsnb.rpc")

OpenDoors: TypeAlias = Callable[[], Awaitable[Doors]]
"""Gives what endpoints may reach; a notebook server starts its engine there."""
Record: TypeAlias = Callable[[str, str, str, int, float], None]
"""Takes remote address, ``gRPC``, the method, the number of the status and milliseconds of an answered call."""
Context: TypeAlias = Any
Read: TypeAlias = Callable[[Any], Any]
"""From a request's bytes to its message; from an iterator of the one to an iterator of the other."""


class Caller:
    """Stands between gRPC and the endpoints; ``keys`` is None where no token is asked for."""

    def __init__(self, doors: OpenDoors, keys: Keys | None, record: Record | None) -> None:
        self._doors = doors
        self._keys = keys
        self._record = record
        self.running = 0
        """Calls under way."""

    def handlers(self, services: Iterable[str]) -> list[grpc.GenericRpcHandler]:
        """What answers these services, and after them whatever else is called."""
        known = [
            grpc.method_handlers_generic_handler(
                name, {method.name: self._handler(method) for method in METHODS if method.service == name}
            )
            for name in services
        ]
        return [*known, _Unknown()]

    def _handler(self, method: Method) -> grpc.RpcMethodHandler:
        found = service(method.service).methods_by_name[method.name]
        streams = found.client_streaming, found.server_streaming
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[streams]
        # Requests come as bytes: they are read when the token was seen, and broken ones are the client's mistake.
        read = _reader(message(found.input_type.full_name), found.client_streaming)
        answer = self._parts(method, read) if found.server_streaming else self._whole(method, read)
        return make(answer, response_serializer=message(found.output_type.full_name).SerializeToString)

    def _whole(self, method: Method, read: Read) -> Callable[[Any, Context], Awaitable[Any]]:
        async def answer(request: Any, context: Context) -> Any:
            async with self._answering(method, context) as (doors, call):
                return await method.endpoint(doors, read(request), call)

        return answer

    def _parts(self, method: Method, read: Read) -> Callable[[Any, Context], Awaitable[None]]:
        async def answer(request: Any, context: Context) -> None:
            async with (
                self._answering(method, context) as (doors, call),
                aclosing(method.endpoint(doors, read(request), call)) as parts,
            ):
                async for part in parts:
                    await context.write(part)

        return answer

    @asynccontextmanager
    async def _answering(self, method: Method, context: Context) -> AsyncIterator[tuple[Doors, Call]]:
        """Let the caller in, and turn what goes wrong into a status. A client that leaves cancels what is inside."""
        begun = perf_counter()
        call = Call(_remote(context))
        code, doors = StatusCode.CANCELLED, None
        self.running += 1
        try:
            self._admit(method, context)
            doors = await self._doors()
            context.set_trailing_metadata((("x-request-id", call.id),))
            yield doors, call
            code = StatusCode.OK
        except Exception as error:
            told = _told(error, doors, call, method)
            code = method.code(told)
            await context.abort(code, statuses.text(told))
        finally:
            self.running -= 1
            if self._record is not None:
                self._record(call.remote, "gRPC", method.path, code.value[0], (perf_counter() - begun) * 1000)

    def _admit(self, method: Method, context: Context) -> None:
        if self._keys is None:
            return
        kind: Kind = "management" if method.service == MANAGEMENT else "inference"
        presented = [value for name, value in context.invocation_metadata() or () if name == "authorization"]
        if not self._keys.admits(frozenset((kind,)), presented[-1] if presented else "", time()):
            raise InvalidKey(REFUSED)


class _Unknown(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers methods that are not there, with their names: gRPC's own text names none."""

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        """A handler for any method, whatever streams in it."""
        path = str(handler_call_details.method).lstrip("/")

        async def refuse(requests: Any, context: Context) -> None:
            await context.abort(StatusCode.UNIMPLEMENTED, f"Method not found: {path}")

        return grpc.stream_stream_rpc_method_handler(refuse)


def _reader(kind: Message, streams: bool) -> Read:
    def whole(raw: bytes) -> Message:
        try:
            return kind.FromString(raw)
        except DecodeError as error:
            raise BadRequest(f"The request is no {kind.DESCRIPTOR.name}: {error}. Use stubs made by protoc.") from error

    async def each(requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
        async for raw in requests:
            yield whole(raw)

    return each if streams else whole


def _told(error: Exception, doors: Doors | None, call: Call, method: Method) -> TsnbError:
    """The error as the client sees it. What nobody foresaw is told to the log, not to the client."""
    if isinstance(error, TsnbError):
        if error.failure is not None and doors is not None:
            doors.engine.remember(call.id, error.failure)
        return error
    log.error("unexpected error in request %s: %s", call.id, method.path, exc_info=error)
    return TsnbError(f"Unexpected error; the server's log tells more under {call.id}.")


def _remote(context: Context) -> str:
    """The client's address: gRPC says ``ipv4:127.0.0.1:1234`` or ``ipv6:%5B::1%5D:1234``."""
    _, _, address = str(context.peer()).partition(":")
    return address.replace("%5B", "[").replace("%5D", "]")
