"""One real server for all tests of the client."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.served import Served, put_in_store

from tsnb.client import Client


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in [key for key in os.environ if key.startswith("TSNB_")]:
        monkeypatch.delenv(key)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("client")
    store = folder / "store"
    store.mkdir()
    for name, handler, version in (
        ("talkative", "talkative.py", "1.0"),
        ("talkative", "talkative.py", "2.0"),
        ("three_parts", "three_parts.py", "1.0"),
        ("no_weights", "no_weights.py", "1.0"),
        ("echo", "echo.py", "1.0"),
    ):
        put_in_store(store, name, handler, version)
    with Served(folder, "--models", "talkative=talkative-1.0.mar", "three_parts=three_parts-1.0.mar") as server:
        wait_until_ready(server)
        yield server


def wait_until_ready(server: Served) -> None:
    keys = json.loads((server.folder / "key_file.json").read_text())
    with Client(server.url, keys["management"]["key"]) as client:
        end = time.monotonic() + 60
        while any(worker.state != "ready" for status in client.models() for worker in status.workers):
            assert time.monotonic() < end, client.models()
            threading.Event().wait(0.05)


@pytest.fixture
def folder(served: Served, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the server's key file, as working folder."""
    monkeypatch.chdir(served.folder)
    return served.folder


@pytest.fixture
def client(served: Served, folder: Path) -> Iterator[Client]:
    with Client(served.url) as client:
        yield client
