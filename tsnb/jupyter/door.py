"""What the handlers of JupyterLab's panel have in common: errors in the one form, work beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from jupyter_server.base.handlers import APIHandler
from tornado import web

from tsnb.errors import TsnbError
from tsnb.jupyter.host import Host
from tsnb.rest.routes import Request, refusal

T = TypeVar("T")

READERS = 2
"""Archives that are read at a time: each costs a thread and the disk."""


class PanelHandler(APIHandler):
    """Base of the handlers here. Looking never keeps an idle notebook server alive."""

    auth_resource = "tsnb"

    def initialize(self, host: Any) -> None:
        """Called by tornado with what the route table of the notebook server holds."""
        self.host: Host = host
        self._track_activity = self.request.method not in ("GET", "HEAD")

    def answer(self, value: Any) -> None:
        """Send structs and plain values as JSON."""
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode(value))

    def argument(self, name: str) -> str:
        """A query parameter that must be there."""
        return str(self.get_query_argument(name))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Read or write archives beside the event loop, two at a time."""
        async with self.settings.setdefault("tsnb_readers", asyncio.Semaphore(READERS)):
            return await asyncio.to_thread(work)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every refusal as ``{code, type, message}``, as below all of ``tsnb/``."""
        raised = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(raised, TsnbError):
            error = raised
        else:
            error = TsnbError(_words(raised, status_code))
            error.status = status_code
        self.set_status(error.status)
        response = refusal(Request(method="", path=""), error)
        for name, value in response.headers.items():
            self.set_header(name, value)
        self.finish(response.body)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """An error of ours is an answer, not an accident."""
        if not isinstance(value, TsnbError):
            super().log_exception(typ, value, tb)


def _words(raised: object, status: int) -> str:
    if isinstance(raised, web.HTTPError):
        return raised.log_message or raised.reason or f"Status {status}."
    return "Unexpected error; the notebook server's log tells more."
