"""All that a stand-alone server listens on: HTTP, and gRPC where it is installed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tsnb import rpc
from tsnb.cli.ending import Ending
from tsnb.rest.front import Front
from tsnb.rest.routes import Doors
from tsnb.rest.service import Record, Service
from tsnb.rest.tokens import Keys

if TYPE_CHECKING:
    from tsnb.rpc.server import GrpcServer

log = logging.getLogger("tsnb")

WORDS = {
    "inference_address": "Inference address",
    "management_address": "Management address",
    "metrics_address": "Metrics address",
    "grpc_inference_port": "gRPC inference address",
    "grpc_management_port": "gRPC management address",
}


class Listeners:
    """Opens all of them or none, and closes them together."""

    def __init__(self, service: Service, grpc: GrpcServer | None) -> None:
        self._service = service
        self._front = Front(service)
        self._grpc = grpc

    async def bind(self) -> None:
        """Take every address, without answering yet. Raises ConfigError that names the setting."""
        await self._front.bind()
        if self._grpc is not None:
            try:
                await self._grpc.bind()
            except BaseException:
                await self._front.close(0)
                raise

    async def start(self) -> list[str]:
        """Answer; gives a line for each address. Raises ConfigError."""
        await self._front.start()
        found = [(binding.settings, str(address)) for binding, address in self._front.addresses]
        if self._grpc is not None:
            await self._grpc.start()
            found += [(binding.settings, address) for binding, address in self._grpc.addresses]
        return [f"{WORDS[setting]}: {address}" for settings, address in found for setting in settings]

    async def close(self, ending: Ending) -> None:
        """Let running requests finish, unless somebody asks a second time."""
        if not await ending.slowly(self._close(None)):
            self._service.abort()
            await self._close(0)

    async def _close(self, timeout: float | None) -> None:
        grpc = [self._grpc.close(timeout)] if self._grpc is not None else []
        await asyncio.gather(self._front.close(timeout), *grpc)


def grpc_server(doors: Doors, keys: Keys | None, record: Record | None) -> GrpcServer | None:
    """The gRPC listeners that a Config asks for; where they cannot be, one line says what is missing."""
    if not doors.config.enable_grpc:
        return None
    if not rpc.available():
        log.info("gRPC is off: grpcio is not installed. Install tsnb[grpc], or set enable_grpc=false.")
        return None
    from tsnb.rpc.server import GrpcServer, of

    return GrpcServer(doors.config, of(doors), keys, record)
