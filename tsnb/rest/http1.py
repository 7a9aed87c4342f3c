"""One HTTP/1.1 connection: reads requests, answers them in order, and waits for no client for ever.

All requests of a connection are answered by one task, which lives while there
is something to answer; a client that goes away cancels it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Final, cast

from tsnb.engine.api import Outcome
from tsnb.messages import Reply
from tsnb.rest import wire
from tsnb.rest.heads import NONE, Head, Incoming
from tsnb.rest.large import LARGE, LargeBody
from tsnb.rest.reader import Item, Phase, Refusal, RequestReader
from tsnb.rest.routes import Listener, Response, ready
from tsnb.rest.service import new_id
from tsnb.speedups import ConnectionBase

if TYPE_CHECKING:
    from tsnb.rest.service import Service

SLOWEST: Final = 16 * 2**10
"""Bytes per second that a client must manage, on average, to send a body or to read an answer."""
LINGER: Final = 5.0
"""Seconds a closing connection still reads, so that the client gets to see why."""
LINGER_STOPPING: Final = 0.5
"""The same when the server itself is about to end."""


class Connection(ConnectionBase):
    """Bytes in, bytes out; what they mean is the service's business."""

    def __init__(self, service: Service, listener: Listener) -> None:
        self.listener = listener
        self.remote = "-"
        self._service = service
        self._heads = service.heads[listener]
        self._reader = RequestReader(service.config.max_request_size, self._heads)
        self._loop = asyncio.get_running_loop()
        self._transport = cast("asyncio.Transport", None)
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._phase = Phase.HEAD
        self._since = self._loop.time()
        #: Whether there was headway since the last tick: counted from there, as asking for the time takes some itself.
        self.moved = False
        self._unsent = 0
        self._paused = False
        self._half_closed = False
        self._last = False
        self._lingering = False
        self._linger = LINGER
        #: While nothing is read or answered: the head of the last request here, which the next is likely to have.
        self.at_rest = NONE
        #: The head of the request that is being answered, its id, its lane, and when it began.
        self.waiting = None
        self.request_id = ""
        self.lane = None
        self.begun = 0.0
        #: Whether it came while the connection was at rest, and nothing has happened since.
        self.straight = False
        self.abandon = None
        self.prepare(service, self._heads)

    # --- called by the event loop -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        self.remote = _name(transport.get_extra_info("peername"))
        self._service.connections.add(self)
        self.connected(self._transport)

    def received(self, data: bytes) -> None:
        """Some bytes of a request, or several requests at once, that did not go the compiled way."""
        head = self.at_rest
        if head is not None:
            known = head if len(data) == head.length and data.startswith(head.text) else self._heads.find(data)
            if known is not None and self._begin(known, data[len(known.text) :], straight=True):
                return
        self._read(data)

    def _read(self, data: bytes) -> None:
        if self._lingering:
            return
        self.at_rest, self.straight = None, False
        reader = self._reader
        reader.feed(data)
        if reader.items:
            if self._task is None and self.waiting is None:
                self._next()
            elif not self._paused:
                self._paused = True
                self._transport.pause_reading()
            return
        if reader.phase is not self._phase:
            self._phase = reader.phase
            self.moved = True
        if reader.remaining >= LARGE and not self._busy:
            self._transport.set_protocol(LargeBody(self, reader, reader.leave_body()))

    def body_received(self, body: bytearray) -> None:
        """A large body is here, and with it a request."""
        self._transport.set_protocol(self)
        self._service.large_bodies += 1
        self._reader.body_received(body)
        if not self._lingering:
            self._next()

    def eof_received(self) -> bool:
        """The client will send no more; what it asked for is still answered."""
        self._half_closed = True
        self.at_rest, self.straight = None, False
        return self._busy and self._transport.can_write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone, and with it the reason to work for it."""
        self._service.connections.discard(self)
        if self._task is not None:
            self._task.cancel()
        if self.abandon is not None:
            self.abandon()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self.at_rest, self.straight = None, False
        self._writable = self._loop.create_future()
        self._unsent = self._transport.get_write_buffer_size()
        self._since = self._loop.time()

    def resume_writing(self) -> None:
        """The client has caught up."""
        waiter, self._writable = self._writable, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --- answering ----------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        return self._task is not None or self.waiting is not None

    def _next(self) -> None:
        """Answer what has been read: a single request by a callback where that works, all others in a task."""
        items = self._reader.items
        if len(items) == 1 and self._writable is None and type(items[0]) is Incoming:
            self._take(cast("Incoming", items.popleft()))  # before it begins: its answer may be there at once
        else:
            self._task = self._loop.create_task(self._serve(items))

    def _take(self, incoming: Incoming) -> None:
        """Answer a request that came alone."""
        if not self._begin(incoming.head, incoming.body):
            self._reader.items.appendleft(incoming)
            self._task = self._loop.create_task(self._serve(self._reader.items))

    def _begin(self, head: Head, body: bytes, *, straight: bool = False) -> bool:
        """Send a request on its lane; False if there is none for it."""
        service = self._service
        lane = head.lane if service.open and head.lane is not None else service.lane(head, body, self.listener)
        if lane is None:
            return False
        self.at_rest, self.straight = None, straight
        self.waiting, self.lane = head, lane
        self.request_id = request_id = new_id()
        if service.recording:
            self.begun = perf_counter()
        abandon = lane.ask(request_id, body, self.told)
        if self.request_id is request_id and self.waiting is not None:  # it has no answer yet
            self.abandon = abandon
        return True

    def told(self, outcome: Outcome) -> None:
        """The request that waited has its outcome."""
        head, lane, service = self.waiting, self.lane, self._service
        assert head is not None and lane is not None  # noqa: S101, PT018  (it was begun)
        self.abandon = self.waiting = None
        data = None
        if self.straight and lane.plain and isinstance(outcome, Reply):
            data = wire.plain(outcome, self.request_id, service.extra)
        if data is None:
            self._done(lane.respond(self.request_id, outcome), head)
            return
        self.at_rest, self.moved = head, True
        self._transport.write(data)
        service.count_response(200)
        if service.recording:
            service.finished(self.remote, head.method, head.target, 200, self.begun)

    def _done(self, response: Response, head: Head) -> None:
        if self._transport.is_closing():
            return
        if response.chunks is None:
            self._give(response, head, self.begun)
            self._go_on()
        else:
            self._open(response, head)  # at once: many parts may have come together with the first
            self._task = self._loop.create_task(self._finish(response, head, self.begun))

    def _go_on(self) -> None:
        if self._reader.items and not self._last:
            self._next()
        else:
            self._rest()

    async def _finish(self, response: Response, head: Head, begun: float) -> None:
        """Send a streamed answer, and answer what has come meanwhile."""
        try:
            await self._give_parts(response, head, begun)
            if self._writable is not None:
                await self._writable
        finally:
            self._task = None
            self._go_on()

    async def _serve(self, items: deque[Item]) -> None:
        try:
            while items and not self._last:
                item = items.popleft()
                if type(item) is Incoming:
                    await self._answer(item)
                elif type(item) is Refusal:
                    self._refuse(item)
                elif not self._reader.received:
                    self._transport.write(wire.CONTINUE)
                if self._writable is not None:
                    await self._writable
        finally:
            self._task = None
            self._rest()

    def _rest(self) -> None:
        """Nothing is left to answer: wait for more, or part."""
        if self._last or self._half_closed or self._reader.closed:
            if not self._transport.is_closing():
                self._close_gently()
            return
        self._phase = self._reader.phase
        self.moved = True
        if self._phase is Phase.BETWEEN and self._writable is None:
            self.at_rest = NONE
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    async def _answer(self, incoming: Incoming) -> None:
        begun = perf_counter()
        self.waiting = head = incoming.head
        response = await self._service.answer(incoming, self.listener, self.remote)
        self.waiting = None
        if response.chunks is None:
            self._give(response, head, begun)
        else:
            self._open(response, head)
            await self._give_parts(response, head, begun)

    def _give(self, response: Response, head: Head, begun: float) -> None:
        if response.status >= 400 or not head.keep_alive:
            self._last = True
        self._write(response, head.method == "HEAD")
        if self._service.recording:
            self._service.finished(self.remote, head.method, head.target, response.status, begun)

    async def _give_parts(self, response: Response, head: Head, begun: float) -> None:
        await self._stream(response, head)
        self._service.finished(self.remote, head.method, head.target, response.status, begun)

    def _refuse(self, refusal: Refusal) -> None:
        self._last = refusal.close
        self._write(self._service.refused(refusal))
        self._service.finished(self.remote, refusal.method, refusal.target, refusal.status, perf_counter())

    def _write(self, response: Response, to_head: bool = False) -> None:
        service = self._service
        extra = service.own_headers(response) if service.cors else ""
        if to_head or response.status in wire.BODILESS or len(response.body) >= wire.PIECE or not response.request_id:
            self._transport.write(wire.head(response, keep_alive=not self._last, to_head=to_head, extra=extra))
            if not to_head and response.status not in wire.BODILESS:
                self._transport.write(response.body)
            return
        self._transport.write(wire.whole(response, not self._last, extra))

    def _open(self, response: Response, head: Head) -> None:
        """Send the head of a streamed answer and its first part."""
        if response.status >= 400 or not head.keep_alive or not head.chunks:
            self._last = True
        extra = self._service.own_headers(response)
        start = wire.head(response, keep_alive=not self._last, chunked=head.chunks, extra=extra)
        first = response.body if _has_body(response, head) else b""
        self._transport.write(start + _piece(first, head.chunks))

    async def _stream(self, response: Response, head: Head) -> None:
        try:
            if _has_body(response, head):
                await self._write_parts(response, head.chunks)
        except Exception as error:
            # The status is out already: only a reset says that this is not the whole answer.
            self._service.broken(error)
            self._transport.abort()
        finally:
            await response.close()

    async def _write_parts(self, response: Response, chunked: bool) -> None:
        """Each part is a chunk of its own; those that came together are written together."""
        assert response.chunks is not None  # noqa: S101  (narrows the type; _answer has looked)
        async for part in response.chunks:
            together = [part, *ready(response.chunks)]
            self._transport.write(b"".join([_piece(each, chunked) for each in together]))
            if self._writable is not None:
                await self._writable
        if chunked:
            self._transport.write(wire.LAST_CHUNK)

    # --- parting ------------------------------------------------------------------------------------

    def _close_gently(self) -> None:
        """Close without a reset: unread input would make the kernel throw our last answer away."""
        if self._half_closed or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._lingering = True
        self._since = self._loop.time()
        self._transport.write_eof()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def drain(self) -> None:
        """The server stops: part now, or after the answer that is being made."""
        self._last = True
        self.at_rest, self.straight = None, False
        self._linger = LINGER_STOPPING
        if not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Part at once."""
        self.at_rest, self.straight = None, False
        self._transport.abort()

    def tick(self, now: float) -> None:
        """Called every second or so: give up on a client that makes no headway."""
        unsent = self._transport.get_write_buffer_size()
        if self.moved or unsent != self._unsent:
            self.moved, self._unsent, self._since = False, unsent, now
        elif self._busy and not unsent:
            self._probe()
        elif now - self._since > (self._service.config.body_timeout if unsent else self._allowance()):
            self._expire()

    def _probe(self) -> None:
        """Find out whether a client that closed its sending side still listens.

        TCP does not tell a half-closed client from one that left; only writing
        does, and an interim response may be written at any time.
        """
        if self._half_closed and self.waiting is not None and self.waiting.chunks:
            self._transport.write(wire.CONTINUE)

    def _allowance(self) -> float:
        config = self._service.config
        if self._lingering:
            return self._linger
        if self._phase is Phase.HEAD:
            return config.header_timeout
        if self._phase is Phase.BODY:
            return config.body_timeout + self._reader.received / SLOWEST
        return config.keep_alive_timeout

    def _expire(self) -> None:
        if self._lingering or self._unsent or self._transport.is_closing():
            self._transport.abort()
        elif self._reader.phase is Phase.BETWEEN:
            self._transport.close()
        else:
            self._refuse(Refusal(408, "The request did not arrive in time."))
            self._close_gently()


def _has_body(response: Response, head: Head) -> bool:
    return head.method != "HEAD" and response.status not in wire.BODILESS


def _piece(part: bytes, chunked: bool) -> bytes:
    return wire.chunk(part) if chunked and part else part


def _name(peer: object) -> str:
    """``host:port`` of a TCP client; a unix socket has no name."""
    if isinstance(peer, tuple):
        return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
    return "unix"
