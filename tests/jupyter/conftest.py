"""A notebook server in this process, with the extension and a small engine that needs no worker processes."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from support.engine import SmallEngine
from tornado.httpclient import HTTPResponse


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"tsnb": True, "jupyter_server_terminals": True}},
        "TsnbApp": {"engine_class": SmallEngine},
    }


@pytest.fixture
def tsnb_app(jp_serverapp: Any) -> Any:
    return jp_serverapp.extension_manager.extension_points["tsnb"].app


@pytest.fixture
def fetch(jp_fetch: Any) -> Any:
    """``await fetch("models", method="PUT", …)`` is the response, whatever its status."""

    async def send(*path: str, **options: Any) -> HTTPResponse:
        if options.get("method") in ("POST", "PUT", "PATCH"):
            options.setdefault("body", b"")
        if options.get("method") in ("DELETE", "OPTIONS"):
            options.setdefault("allow_nonstandard_methods", True)
        return await jp_fetch("tsnb", *path, raise_error=False, **options)

    return send


@pytest.fixture
def engine(tsnb_app: Any) -> Any:
    """The engine of the server in this test, once something asked for it."""

    async def get() -> SmallEngine:
        return (await tsnb_app.host.doors()).engine

    return get
