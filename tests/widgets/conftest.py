"""A real server with models to look at, and a way to speak to a widget as its view would."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from support.served import Served, put_in_store

from tsnb.client import Client
from tsnb.widgets.base import LiveWidget


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("widgets")
    store = folder / "store"
    store.mkdir()
    put_in_store(store, "talkative", "talkative.py", "1.0")
    put_in_store(store, "talkative", "talkative.py", "2.0")
    put_in_store(store, "no_weights", "no_weights.py")
    put_in_store(store, "three_parts", "three_parts.py")
    with Served(folder) as served:
        yield served


@pytest.fixture
def client(server: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client whose server runs ``talkative`` 1.0 with one worker, and nothing else when the test is over."""
    for key in [key for key in os.environ if key.startswith("TSNB_")]:
        monkeypatch.delenv(key)
    monkeypatch.chdir(server.folder)
    with Client(server.url) as client:
        client.register("talkative-1.0.mar", initial_workers=1)
        yield client
        for status in sorted(client.models(), key=lambda each: each.default):
            client.unregister(status.spec.name, status.spec.version)


class View:
    """What a page does: send a message, get the reply."""

    def __init__(self, widget: LiveWidget) -> None:
        self.widget = widget
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        widget.send = lambda content, buffers=None: self.sent.append((content, buffers or []))

    def ask(self, kind: str, *buffers: bytes, **content: Any) -> dict[str, Any]:
        """The reply to one message, as if no loop were running."""
        before = len(self.sent)
        self.widget._handle_custom_msg({"kind": kind, "id": f"view-{before}", **content}, list(buffers))
        [(reply, self.buffers)] = self.sent[before:]
        assert (reply["kind"], reply["id"]) == ("reply", f"view-{before}")
        return reply

    async def ask_on_the_loop(self, kind: str, **content: Any) -> dict[str, Any]:
        """The reply to one message that arrives on a running loop."""
        self.widget._handle_custom_msg({"kind": kind, "id": "loop", **content}, [])
        while not any(reply["id"] == "loop" for reply, _ in self.sent):
            await asyncio.sleep(0.01)
        return self.sent[-1][0]


@pytest.fixture
def view() -> type[View]:
    return View
