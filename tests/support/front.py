"""A stand-alone front in a thread, and a socket that speaks HTTP by the byte."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Self

import uvloop
from support.engine import SmallEngine

from tsnb.config import Config
from tsnb.rest.front import Front
from tsnb.rest.routes import Doors, Request, Response, stamp
from tsnb.rest.service import Guard, Record, Service

DEADLINE = 10.0
HOST = "127.0.0.1"


class Answer(NamedTuple):
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    version: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection: ``send`` bytes, read an ``answer``, ask whether it was ``closed``."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(DEADLINE)
        self.buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> Self:
        self.socket.sendall(data)
        return self

    def get(self, target: str = "/echo") -> Answer:
        return self.send(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode()).answer()

    def line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return bytes(line)

    def exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._more()
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def chunk(self) -> bytes:
        data = self.exactly(int(self.line(), 16))
        assert self.exactly(2) == b"\r\n"
        return data

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        while data := self.socket.recv(2**16):
            self.buffer += data
        return self.exactly(len(self.buffer))

    def head(self) -> Answer:
        version, status, reason = [*self.line().decode("latin-1").split(" ", 2), ""][:3]
        headers = {}
        while line := self.line().decode("latin-1"):
            name, _, value = line.partition(": ")
            assert name.lower() not in headers, f"{name} was sent twice"
            headers[name.lower()] = value
        return Answer(int(status), reason, headers, b"", version)

    def answer(self, *, to_head: bool = False) -> Answer:
        found = self.head()
        if to_head or found.status in (100, 204, 304):
            return found
        if found.headers.get("transfer-encoding") == "chunked":
            parts = []
            while part := self.chunk():
                parts.append(part)
            return found._replace(body=b"".join(parts))
        if "content-length" not in found.headers:
            return found._replace(body=self.rest())
        return found._replace(body=self.exactly(int(found.headers["content-length"])))

    def closed(self) -> bool:
        """Whether the server ends the connection without another byte. A reset is not an end."""
        return not self.buffer and self.socket.recv(1) == b""

    def _more(self) -> None:
        data = self.socket.recv(2**16)
        if not data:
            raise EOFError(f"the connection ended after {bytes(self.buffer)!r}")
        self.buffer += data


class House:
    """A front with simple endpoints of its own, on a loop in a thread."""

    def __init__(
        self, config: Config, *, uv: bool = True, guard: Guard | None = None, record: Record | None = None
    ) -> None:
        self.config = config
        self.engine = SmallEngine(config)
        self.cancelled = threading.Event()
        self.closed_stream = threading.Event()
        self.held = threading.Event()
        self.seen: list[Request] = []
        self.produced = 0
        self.problem: BaseException | None = None
        self._release = asyncio.Event()
        self._service = Service(Doors(self.engine, config), guard, record, self.answer)
        self.front = Front(self._service, tick=0.05)
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop() if uv else asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(DEADLINE)
        if self.problem is not None:
            self._thread.join(DEADLINE)
            self._loop.close()
            raise self.problem
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self.front.close(1), self._loop).result(DEADLINE)
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self.front.start())
        except BaseException as problem:
            self.problem = problem
        self._ready.set()
        if self.problem is None:
            self._loop.run_forever()

    @property
    def port(self) -> int:
        return self.front.addresses[0][1].port

    @property
    def connections(self) -> int:
        return len(self._service.connections)

    def connect(self, port: int | None = None) -> Wire:
        return Wire(socket.create_connection((HOST, port or self.port), DEADLINE))

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._release.set)

    def begin_closing(self, timeout: float) -> Any:
        return asyncio.run_coroutine_threadsafe(self.front.close(timeout), self._loop)

    async def answer(self, doors: Doors, request: Request) -> Response:
        self.seen.append(request)
        action: Callable[[Request], Any] = getattr(self, "do_" + request.path.strip("/").split("/")[0], self.do_missing)
        return stamp(await action(request), request)

    async def do_echo(self, request: Request) -> Response:
        said = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            "body": request.body.decode("latin-1"),
            "remote": request.remote,
            "listener": str(request.listener),
        }
        return Response(200, json.dumps(said).encode(), {"content-type": "application/json"})

    async def do_body(self, request: Request) -> Response:
        return Response(200, request.body)

    async def do_missing(self, request: Request) -> Response:
        return Response(404, b"missing")

    async def do_status(self, request: Request) -> Response:
        return Response(int(request.path.split("/")[2]), b"x" if len(request.path) % 2 else b"")

    async def do_reason(self, request: Request) -> Response:
        return Response(200, b"", {}, "Fine\r\nX-Evil: 1")

    async def do_headers(self, request: Request) -> Response:
        evil = {
            "X-Split": "a\r\nX-Evil: 1",
            "Bad Name": "v",
            "X\r\nX-Evil": "v",
            "Content-Length": "5",
            "transfer-encoding": "chunked",
            "Connection": "upgrade",
            "X-Latin": "café",
            "X-Far": "\u2603",
            "access-control-allow-origin": "mine",
        }
        return Response(200, b"ok", evil)

    async def do_crash(self, request: Request) -> Response:
        raise RuntimeError("/secret/path is broken")

    async def do_hold(self, request: Request) -> Response:
        self.held.set()
        try:
            await self._release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Response(200, b"released")

    async def do_stream(self, request: Request) -> Response:
        return Response(200, b"one,", {}, chunks=self._parts([b"two,", b"", b"three"]))

    async def do_torn(self, request: Request) -> Response:
        return Response(200, b"one,", {}, chunks=self._parts([b"two,", None]))

    async def do_endless(self, request: Request) -> Response:
        return Response(200, b"", {}, chunks=self._endless())

    async def do_large(self, request: Request) -> Response:
        return Response(200, b"x" * int(request.path.split("/")[2]))

    async def _parts(self, parts: list[bytes | None]) -> AsyncIterator[bytes]:
        for part in parts:
            await asyncio.sleep(0)
            if part is None:
                raise RuntimeError("torn")
            yield part

    async def _endless(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.produced += 1
                yield b"x" * 2**16
                await asyncio.sleep(0)
        finally:
            self.closed_stream.set()
