"""``GET <base_url>tsnb/-/panel``: one answer with all that the panel in JupyterLab shows.

Asking starts nothing: where no model was ever served there is no engine, and the answer says so.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from tsnb.engine.placement import Device, devices
from tsnb.jupyter.door import PanelHandler
from tsnb.jupyter.overview import overview
from tsnb.jupyter.watch import Watch

FRESH = 2.0
"""Seconds for which the figures of the GPUs are good."""


class Gpus:
    """The GPUs of this machine, asked for in a thread and not too often."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._asked = -FRESH
        self._found: tuple[Device, ...] = ()
        self._asking = asyncio.Lock()

    async def now(self) -> tuple[Device, ...]:
        """Their memory and load, at most two seconds old."""
        async with self._asking:
            if time.monotonic() - self._asked >= FRESH:
                self._found = tuple(await asyncio.to_thread(devices, self._limit))
                self._asked = time.monotonic()
            return self._found


class OverviewHandler(PanelHandler):
    """Answers the panel."""

    def initialize(self, host: Any, watch: Watch, gpus: Gpus) -> None:  # type: ignore[override]
        """Called by tornado with what the route table of the notebook server holds."""
        super().initialize(host)
        self.watch = watch
        self.gpus = gpus

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Every model, version and worker, the GPUs, and the latest crashes."""
        self.answer(overview(self.host.engine, await self.gpus.now(), tuple(self.watch.crashes)))
