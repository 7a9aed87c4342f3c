"""Endpoints called as functions, with a small engine behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.engine import SmallEngine

import tsnb.rest  # noqa: F401  (fills the route table)
from tsnb.config import Config
from tsnb.engine.api import Registration
from tsnb.rest.routes import Doors, Listener, Request, Response, dispatch, parse_query


@pytest.fixture
def doors() -> Doors:
    config = Config(enable_model_api=True, model_store="store")
    return Doors(SmallEngine(config), config)


@pytest.fixture
def send(doors: Doors) -> Callable[..., Response]:
    """``send("GET /models?limit=1", body, headers)`` is the Response."""

    def call(line: str, body: bytes = b"", headers: dict[str, str] | None = None, **fields: Any) -> Response:
        method, _, target = line.partition(" ")
        url = urlsplit(target)
        fields.setdefault("listener", Listener.ALL)
        request = Request(method, url.path, parse_query(url.query), headers or {}, body, **fields)
        return asyncio.run(dispatch(doors, request))

    return call


@pytest.fixture
def serve(doors: Doors) -> Callable[..., None]:
    """``serve("echo.mar")`` registers a model of the small engine with one worker."""

    def call(url: str, name: str | None = None, workers: int = 1, *, at_startup: bool = False) -> None:
        registration = Registration(url, name, initial_workers=workers, loaded_at_startup=at_startup)
        asyncio.run(doors.engine.register(registration))

    return call


def _error(code: int, kind: str, message: str) -> bytes:
    """The body of an error, byte for byte."""
    text = {"code": code, "type": kind, "message": message}
    return (json.dumps(text, indent=2) + "\n").encode()


@pytest.fixture
def error() -> Callable[[int, str, str], bytes]:
    return _error
