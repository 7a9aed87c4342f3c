"""The stand-alone front: opens the listeners of a Config and closes them again, gracefully."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable
from contextlib import suppress

from tsnb.errors import ConfigError
from tsnb.rest import tls
from tsnb.rest.address import Address, Binding, bindings
from tsnb.rest.http1 import Connection
from tsnb.rest.large import give_back
from tsnb.rest.service import Service

BACKLOG = 1024
"""Connections that may wait to be accepted (spec 0.6)."""
TICK = 1.0
"""Seconds between two looks at clients that make no headway."""


class Front:
    """All listeners of a server: it opens all of them or none."""

    def __init__(self, service: Service, tick: float = TICK) -> None:
        self.addresses: list[tuple[Binding, Address]] = []
        """What was bound, and where: the port is the real one where the setting said 0."""
        self._service = service
        self._tick = tick
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def bind(self) -> None:
        """Take every address, without answering yet. Raises ConfigError that names the setting."""
        config = self._service.config
        try:
            for binding in bindings(config):
                await self._open(binding, tls.server_context(config) if binding.address.scheme == "https" else None)
        except BaseException:
            await self.close(0)
            raise

    async def start(self) -> None:
        """Answer. Binds first where that was not done. Raises ConfigError."""
        if not self._servers:
            await self.bind()
        for server, (binding, _) in zip(self._servers, self.addresses, strict=True):
            try:
                await server.start_serving()
            except OSError as error:
                raise _cannot_bind(binding, error) from error
        self._sweeper = asyncio.create_task(self._sweep())

    async def _open(self, binding: Binding, context: ssl.SSLContext | None) -> None:
        address, listener = binding.address, binding.listener
        try:
            server = await self._create(address, context, lambda: Connection(self._service, listener))
        except OSError as error:
            raise _cannot_bind(binding, error) from error
        self._servers.append(server)
        port = 0 if address.path else server.sockets[0].getsockname()[1]
        self.addresses.append((binding, Address(address.scheme, address.host, port, address.path)))

    async def _create(
        self, address: Address, context: ssl.SSLContext | None, connect: Callable[[], Connection]
    ) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        if address.path:
            _remove_stale_socket(address.path)
            return await loop.create_unix_server(connect, address.path, backlog=BACKLOG, start_serving=False)
        return await loop.create_server(
            connect,
            address.host,
            address.port,
            backlog=BACKLOG,
            ssl=context,
            ssl_handshake_timeout=self._service.config.header_timeout if context else None,
            start_serving=False,
        )

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._tick)
            now = loop.time()
            for connection in list(self._service.connections):
                connection.tick(now)
            if self._service.large_bodies:
                self._service.large_bodies = 0
                give_back()

    async def close(self, timeout: float | None = None) -> None:
        """Stop accepting, let running requests finish (``shutdown_timeout`` seconds at most), drop the rest."""
        for server in self._servers:
            server.close()
        await self._service.drain(self._service.config.shutdown_timeout if timeout is None else timeout)
        if self._sweeper is not None:
            self._sweeper.cancel()
        for _, address in self.addresses:
            if address.path:
                with suppress(FileNotFoundError):
                    os.unlink(address.path)
        self._servers, self.addresses = [], []


def _remove_stale_socket(path: str) -> None:
    """Remove what a killed server left behind, and nothing else. Raises OSError where somebody still listens."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise OSError(errno.EEXIST, "a file that is no socket is in the way")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _cannot_bind(binding: Binding, error: OSError) -> ConfigError:
    names = " and ".join(binding.settings)
    if error.errno == errno.EADDRINUSE:
        reason = "another process listens there. Stop it, or choose another address"
    elif error.errno == errno.EACCES:
        reason = "this user may not listen there. Ports below 1024 need special rights; choose another address"
    else:
        reason = f"{error.strerror or error}. Choose another address"
    return ConfigError(f"Cannot listen on {binding.address} ({names}): {reason}.")
