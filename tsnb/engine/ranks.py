"""The connections to a worker of several processes: rank 0 answers, the others follow (spec 7.3)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from tsnb import protocol
from tsnb.engine.worker_handle import LoadFailed, WorkerHandle

MAX_REPLY = 2**20
"""Bytes that a rank which does not answer may send."""


class Rank(asyncio.Protocol):
    """The connection to a rank that only follows. ``on_lost`` is called when it is gone."""

    def __init__(self, number: int, on_lost: Callable[[str], None]) -> None:
        self.number = number
        self.loaded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_lost = on_lost
        self._reader = protocol.Reader(MAX_REPLY)
        self._transport: asyncio.Transport | None = None

    def send(self, frame: Sequence[protocol.Buffer]) -> None:
        """Write a frame."""
        assert self._transport is not None  # noqa: S101
        self._transport.writelines(frame)

    def close(self) -> None:
        """Hang up; the process exits on end-of-file."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """It says that it has loaded the model, or why not."""
        try:
            for message, _ in self._reader.feed(data):
                self._receive(message)
        except protocol.ProtocolError as error:
            self._on_lost(f"What rank {self.number} sent cannot be used: {error}")
            self.close()

    def _receive(self, message: protocol.Message) -> None:
        if self.loaded.done():
            return
        if isinstance(message, protocol.Ready):
            self.loaded.set_result(None)
        elif isinstance(message, protocol.Failed):
            self.loaded.set_exception(LoadFailed(message, message.message))

    def connection_lost(self, exc: Exception | None) -> None:
        """The process is gone, or we hung up."""
        reason = f"Rank {self.number} of the worker has ended."
        if not self.loaded.done():
            self.loaded.set_exception(LoadFailed(None, reason))
        self._on_lost(reason)


class Grouped(WorkerHandle):
    """A mixin: what goes to rank 0 goes to the others too, batches only if ``batches_for_all``."""

    batches_for_all = True

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._ranks: list[Rank] = []

    async def join(self, others: Sequence[socket.socket]) -> None:
        """Take over the connections to the other ranks."""
        for number, sock in enumerate(others, 1):
            rank = Rank(number, self._lost)
            self._ranks.append(rank)
            await self._loop.create_unix_connection(lambda rank=rank: rank, sock=sock)  # type: ignore[misc]

    def _lost(self, reason: str) -> None:
        self._lose(reason)
        super().close()

    async def load(self, order: protocol.Load, timeout: float) -> protocol.Ready:
        """Let every rank load its part. Raises LoadFailed as the first that fails."""
        for rank in self._ranks:
            own = order if order.gpu_id is None else msgspec.structs.replace(order, gpu_id=rank.number)
            rank.send(protocol.encode(own))
        others = asyncio.gather(*(self._wait(rank, timeout) for rank in self._ranks))
        ready, _ = await asyncio.gather(super().load(order, timeout), others)
        return ready

    async def _wait(self, rank: Rank, timeout: float) -> None:
        try:
            await asyncio.wait_for(asyncio.shield(rank.loaded), timeout)
        except TimeoutError:
            text = f"Rank {rank.number} has not loaded the model within {timeout:g} s (startup_timeout)."
            raise LoadFailed(None, text) from None

    def _send(self, message: protocol.Message, bodies: Sequence[protocol.Buffer] = ()) -> None:
        super()._send(message, bodies)
        if isinstance(message, protocol.Load) or (isinstance(message, protocol.Batch) and not self.batches_for_all):
            return
        for rank in self._ranks:
            rank.send(protocol.encode(message, bodies))

    def close(self) -> None:
        """Hang up; the processes exit on end-of-file."""
        super().close()
        for rank in self._ranks:
            rank.close()


def grouped(handle: type[WorkerHandle], *, batches_for_all: bool) -> type[WorkerHandle]:
    """A kind of connection, for a worker of several processes."""
    return type(f"Grouped{handle.__name__}", (Grouped, handle), {"batches_for_all": batches_for_all})
