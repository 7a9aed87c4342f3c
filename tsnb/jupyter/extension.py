"""The extension of the notebook server: ``<base_url>tsnb/…`` and ``c.TsnbApp.…``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from traitlets import Type, default

from tsnb.config import Config
from tsnb.engine.api import Engine
from tsnb.errors import ConfigError
from tsnb.jupyter import archives, panel, watch
from tsnb.jupyter.grpc import GrpcDoor
from tsnb.jupyter.host import Host
from tsnb.jupyter.traits import Settings, config_from
from tsnb.rest.in_jupyter import TsnbHandler

URL = "TSNB_URL"
TOKEN = "TSNB_TOKEN"  # noqa: S105
HUB_TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105


class TsnbApp(Settings, ExtensionApp):  # type: ignore[misc]
    """Serves models from the notebook server.

    Jupyter decides who may call: its token or login for every path, and its
    authorizer for what a user may do.
    """

    name = "tsnb"
    description = "Serve PyTorch models from the notebook server."
    load_other_extensions = True

    engine_class = Type(
        default_value="tsnb.engine.local.LocalEngine",
        klass=object,
        config=True,
        help="The engine that runs the models: a class that takes a tsnb.config.Config.",
    )

    host: Host
    watch: watch.Watch
    grpc: GrpcDoor

    @default("model_store")
    def _default_model_store(self) -> str:
        return "model_store"

    @default("enable_model_api")
    def _default_enable_model_api(self) -> bool:
        return True

    @default("enable_grpc")
    def _default_enable_grpc(self) -> bool:
        return False

    def initialize_handlers(self) -> None:
        """Mount the endpoints. Called once, before the server listens."""
        config = config_from(self)
        root = Path(self._server.root_dir)
        workflows = str(root / config.workflow_store) if config.workflow_store else ""
        self._register_events()
        self.watch = watch.Watch(self._emit)
        settings = replace(config, model_store=str(root / config.model_store), workflow_store=workflows)
        self.host = Host(settings, self._make_engine, self._own_secret(), self.watch.start)
        self.grpc = GrpcDoor(self.host)
        self._mount()

    def _mount(self) -> None:
        """What the panel asks for comes first, then everything that answers stand-alone as well."""
        host = {"host": self.host}
        seen = {**host, "watch": self.watch, "gpus": panel.Gpus(self.host.config.number_of_gpu)}
        self.handlers.extend(
            [
                ("tsnb/-/panel", panel.OverviewHandler, seen),
                ("tsnb/-/archives/inspect", archives.InspectHandler, host),
                ("tsnb/-/archives/diff", archives.DiffHandler, host),
                ("tsnb/-/archives/handlers", archives.HandlersHandler, host),
                ("tsnb/-/archives/make", archives.MakeHandler, host),
                ("tsnb/-/archives/serve", archives.ServeHandler, host),
                ("tsnb(?:/.*)?", TsnbHandler, host),
            ]
        )

    def _register_events(self) -> None:
        logger: Any = self._server.event_logger
        if watch.SCHEMA_ID not in logger.schemas:
            logger.register_event_schema(watch.SCHEMA)

    def _emit(self, data: dict[str, Any]) -> None:
        logger: Any = self._server.event_logger
        logger.emit(schema_id=watch.SCHEMA_ID, data=data)

    def _make_engine(self, config: Config) -> Engine:
        make = cast("Callable[[Config], Engine]", self.engine_class)
        return make(config)

    @property
    def _server(self) -> ServerApp:
        assert self.serverapp is not None  # noqa: S101
        return self.serverapp

    def _own_secret(self) -> str:
        """A token for the kernels where Jupyter has none to give them: behind a password, or with no login at all."""
        if self._server.identity_provider.token or os.environ.get(HUB_TOKEN):
            return ""
        return secrets.token_urlsafe(32)

    @property
    def _loaded(self) -> bool:
        """Whether loading came to its end. Where a setting makes no sense the notebook server goes on without us."""
        return hasattr(self, "host")

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Tell the kernels that will be started where this server is. The port is known only now."""
        if not self._loaded:
            return
        environment = self.kernel_environment()
        os.environ.update(environment)
        try:
            for address in await self.grpc.open(environment[TOKEN]):
                self.log.info("tsnb answers gRPC on %s", address)
        except ConfigError as error:  # the notebooks are not less for it
            self.log.error("tsnb: %s", error)

    def kernel_environment(self) -> dict[str, str]:
        """``TSNB_URL`` and ``TSNB_TOKEN``, as the kernels and terminals of this server inherit them."""
        server = self._server
        token = server.identity_provider.token or self.host.secret or os.environ.get(HUB_TOKEN, "")
        return {URL: url_path_join(server.connection_url, "tsnb/"), TOKEN: token}

    def current_activity(self) -> int:
        """Predictions under way: they keep an otherwise idle server from shutting itself down."""
        return self.host.predicting + self.grpc.running if self._loaded else 0

    async def stop_extension(self) -> None:
        """Stop all workers within three seconds. May be called twice, and without having been started."""
        if not self._loaded:
            return
        for name, value in self.kernel_environment().items():
            if os.environ.get(name) == value:
                del os.environ[name]
        await self.watch.stop()
        await self.grpc.close()
        await self.host.close()
