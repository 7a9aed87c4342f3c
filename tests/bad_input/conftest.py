"""Model stores full of bad archives, and one server of each kind for a module."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.command import Server

from tests.bad_input.handlers import FINE
from tests.notebook_server import NotebookServer

DEADLINE = 30.0


def put(store: Path, name: str, source: str = FINE, *, config: str = "", **manifest: Any) -> None:
    """An unarchived model in the store."""
    folder = store / name
    (folder / "MAR-INF").mkdir(parents=True)
    (folder / "handler.py").write_text(source)
    model = {"modelName": name, "handler": "handler.py", "modelVersion": "1.0"}
    if config:
        (folder / "model-config.yaml").write_text(config)
        model["configFile"] = "model-config.yaml"
    (folder / "MAR-INF" / "MANIFEST.json").write_text(json.dumps({"model": model | manifest}))


def until(condition: Callable[[], Any], what: str) -> Any:
    """Ask again and again; fail with ``what`` was awaited when it does not come."""
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not happen in {DEADLINE:g} s"
        threading.Event().wait(0.05)
    return found


class Rest:
    """A ``tsnb serve`` with a model store, asked over HTTP."""

    def __init__(self, folder: Path, *flags: str, **environ: str) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.store.mkdir(exist_ok=True)
        arguments = ["--model-store", str(self.store), "--port", "0", "--disable-token-auth", "--enable-model-api"]
        self.server = Server([*arguments, "--ncs", "--no-access-log", *flags], folder, environ, ()).until_ready()
        self.http = httpx.Client(base_url=self.server.url, timeout=DEADLINE, trust_env=False)

    def put(self, name: str, source: str = FINE, **rest: Any) -> None:
        put(self.store, name, source, **rest)

    def register(self, url: str, **options: Any) -> httpx.Response:
        return self.http.post("/models", params={"url": url, "initial_workers": 1, **options})

    def predict(self, name: str, data: bytes = b"x", **options: Any) -> httpx.Response:
        return self.http.post(f"/predictions/{name}", content=data, **options)

    def unregister(self, name: str) -> None:
        assert self.http.delete(f"/models/{name}").status_code == 200

    def failure(self, answer: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/-/failures/{answer.headers['x-request-id']}").json()
        return found

    def names(self) -> list[str]:
        return [each["modelName"] for each in self.http.get("/models").json()["models"]]

    def is_well(self) -> None:
        """The other model still answers, and the server is healthy."""
        assert self.predict("fine").content == b"fine"
        assert self.http.get("/ping").json() == {"status": "Healthy"}


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """One server for the module, with the model ``fine`` on one worker."""
    rest = Rest(tmp_path_factory.mktemp("rest"), OMP_NUM_THREADS="1")
    try:
        rest.put("fine")
        assert rest.register("fine").status_code == 200
        yield rest
    finally:
        rest.http.close()
        assert rest.server.stop() == 0


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    """One notebook server for the module, with the model ``fine`` on one worker."""
    folder = tmp_path_factory.mktemp("notebook")
    put(folder / "model_store", "fine")
    with NotebookServer(folder) as server:
        assert server.request("POST", "tsnb/models?url=fine&initial_workers=1", b"")[0] == 200
        yield server


def error(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, type and message of a refusal."""
    said = answer.json()
    assert set(said) == {"code", "type", "message"}
    assert said["code"] == answer.status_code
    return answer.status_code, said["type"], said["message"]
