"""The gRPC listeners of a Config: opened together, closed gracefully (spec 4.4, 8.2, 9.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
import grpc.aio
from msgspec import Struct

import tsnb.rpc.inference
import tsnb.rpc.management
import tsnb.rpc.open_inference  # noqa: F401  (these three fill the table of methods)
from tsnb.config import Config
from tsnb.errors import ConfigError
from tsnb.rest.routes import Doors
from tsnb.rest.tls import pem_pair
from tsnb.rest.tokens import Keys
from tsnb.rpc.descriptors import INFERENCE, MANAGEMENT, OPEN_INFERENCE
from tsnb.rpc.handlers import Caller, OpenDoors, Record

FOREVER = 2**31 - 1
"""Milliseconds that gRPC takes for no limit."""
MAX_METADATA = 64 * 2**10
"""Bytes of headers that a call may have."""


class Binding(Struct, frozen=True):
    """One listener: its address, the settings that named it, and what answers there."""

    host: str
    port: int
    settings: tuple[str, ...]
    services: tuple[str, ...]
    max_age: int
    grace: int

    @property
    def address(self) -> str:
        """``host:port``, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bindings(config: Config) -> list[Binding]:
    """The listeners to open: two, or one where both settings name the same port."""
    inference = Binding(
        config.grpc_inference_address,
        config.grpc_inference_port,
        ("grpc_inference_port",),
        (INFERENCE, OPEN_INFERENCE),
        config.grpc_inference_max_connection_age_ms,
        config.grpc_inference_max_connection_age_grace_ms,
    )
    management = Binding(
        config.grpc_management_address,
        config.grpc_management_port,
        ("grpc_management_port",),
        (MANAGEMENT,),
        config.grpc_management_max_connection_age_ms,
        config.grpc_management_max_connection_age_grace_ms,
    )
    if inference.address != management.address:
        return [inference, management]
    together = inference.settings + management.settings, inference.services + management.services
    return [Binding(inference.host, inference.port, *together, inference.max_age, inference.grace)]


class GrpcServer:
    """All gRPC listeners: it opens all of them or none."""

    def __init__(self, config: Config, doors: OpenDoors, keys: Keys | None, record: Record | None = None) -> None:
        self.addresses: list[tuple[Binding, str]] = []
        """What was bound, and where: the port is the real one where the setting said 0."""
        self._config = config
        self._caller = Caller(doors, keys, record)
        self._servers: list[grpc.aio.Server] = []

    @property
    def running(self) -> int:
        """Calls under way."""
        return self._caller.running

    async def bind(self) -> None:
        """Take every address, without answering yet. Raises ConfigError that names the setting."""
        credentials = _credentials(self._config)
        try:
            for binding in bindings(self._config):
                self._open(binding, credentials)
        except BaseException:
            await self.close(0)
            raise

    def _open(self, binding: Binding, credentials: grpc.ServerCredentials | None) -> None:
        server = grpc.aio.server(options=self._options(binding))
        server.add_generic_rpc_handlers(self._caller.handlers(binding.services))
        self._servers.append(server)
        try:
            if credentials is None:
                port = server.add_insecure_port(binding.address)
            else:
                port = server.add_secure_port(binding.address, credentials)
        except RuntimeError as error:
            raise ConfigError(
                f"Cannot listen for gRPC on {binding.address} ({' and '.join(binding.settings)}): "
                "another process listens there, or this machine has no such address. "
                "Stop it, choose another, or set enable_grpc=false."
            ) from error
        scheme = "grpc" if credentials is None else "grpcs"
        host = binding.address.rpartition(":")[0]
        self.addresses.append((binding, f"{scheme}://{host}:{port}"))

    def _options(self, binding: Binding) -> Sequence[tuple[str, int]]:
        return [
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", self._config.max_request_size),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", MAX_METADATA),
            ("grpc.max_connection_age_ms", binding.max_age or FOREVER),
            ("grpc.max_connection_age_grace_ms", binding.grace or FOREVER),
        ]

    async def start(self) -> None:
        """Answer. Binds first where that was not done. Raises ConfigError."""
        if not self._servers:
            await self.bind()
        for server in self._servers:
            await server.start()

    async def close(self, timeout: float | None = None) -> None:
        """Take no more calls, let running ones finish (``shutdown_timeout`` seconds at most), cancel the rest."""
        grace = self._config.shutdown_timeout if timeout is None else timeout
        await asyncio.gather(*(server.stop(grace) for server in self._servers))
        self._servers, self.addresses = [], []


def of(doors: Doors) -> OpenDoors:
    """Doors that are open already."""

    async def found() -> Doors:
        return doors

    return found


def _credentials(config: Config) -> grpc.ServerCredentials | None:
    if not config.enable_grpc_ssl:
        return None
    chain, key = pem_pair(config)
    return grpc.ssl_server_credentials([(key, chain)])
