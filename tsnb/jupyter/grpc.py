"""gRPC beside a notebook server: off unless ``c.TsnbApp.enable_grpc`` says otherwise, opened by the kernels' token."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tsnb import rpc
from tsnb.errors import ConfigError
from tsnb.jupyter.host import Host
from tsnb.rest.tokens import Keys

if TYPE_CHECKING:
    from tsnb.rpc.server import GrpcServer

GRACE = 0.5
"""Seconds that running calls get when the notebook server stops."""


class GrpcDoor:
    """The listeners, while they are open. A call starts the engine, as a request over HTTP does."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._server: GrpcServer | None = None

    async def open(self, token: str) -> list[str]:
        """Answer calls that carry this token; gives the addresses. Raises ConfigError."""
        config = self._host.config
        if not config.enable_grpc:
            return []
        if not rpc.available():
            raise ConfigError("gRPC is off: grpcio is not installed. Install tsnb[grpc], and start the server again.")
        if not token:
            raise ConfigError("gRPC is off: this notebook server has no token that could guard it.")
        from tsnb.rpc.server import GrpcServer

        server = GrpcServer(config, self._host.doors, Keys(0, time.time(), token))
        await server.start()
        self._server = server
        return [address for _, address in server.addresses]

    @property
    def running(self) -> int:
        """Calls under way."""
        return 0 if self._server is None else self._server.running

    async def close(self) -> None:
        """Take no more calls. May be called twice, and without having been opened."""
        if self._server is not None:
            await self._server.close(GRACE)
            self._server = None
