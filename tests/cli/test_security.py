"""Who may do what, at a real server with three listeners (spec 9)."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.command import DEADLINE, HANDLERS, Server, run

CONFIG = """\
inference_address=http://127.0.0.1:{}
management_address=http://127.0.0.1:{}
metrics_address=http://127.0.0.1:{}
grpc_inference_port=0
grpc_management_port=0
cors_allowed_origin=http://page.example
cors_allowed_methods=GET, POST, PUT
cors_allowed_headers=Authorization, Content-Type
enable_envvars_config=true
allowed_urls=https://models\\\\.example/.*
"""
CORS = {
    "access-control-allow-origin": "http://page.example",
    "access-control-allow-methods": "GET, POST, PUT",
    "access-control-allow-headers": "Authorization, Content-Type",
}


def free_ports() -> list[int]:
    """Three of them; equal addresses would share one listener."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        return [each.getsockname()[1] for each in sockets]


class Guarded:
    """A server with tokens; ``ask`` takes which listener, and which key goes along."""

    def __init__(self, folder: Path, *flags: str, **environ: str) -> None:
        self.folder = folder
        (folder / "store").mkdir()
        (folder / "c.properties").write_text(CONFIG.format(*free_ports()))
        made = ["archive", "--model-name", "echo", "-v", "1.0", "--handler", str(HANDLERS / "echo.py")]
        assert run(*made, "--export-path", "store", folder=folder).returncode == 0
        words = ["--model-store", "store", "--ts-config", "c.properties", "--models", "echo.mar", "--ncs", *flags]
        self.server = Server(words, folder, environ, ()).until_ready()
        said = dict(line.split(" address: ") for line in self.server.said if " address: " in line)
        self.urls = {name: said[name] for name in ("Inference", "Management", "Metrics")}

    def keys(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "key_file.json").read_text())
        return found

    def ask(self, line: str, key: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """``ask("Management GET /models", "inference")``."""
        listener, method, path = line.split(" ", 2)
        bearer = {"Authorization": f"Bearer {self.keys().get(key, {'key': key})['key']}"} if key else {}
        url = self.urls[listener] + path
        return httpx.request(method, url, headers={**bearer, **(headers or {})}, timeout=DEADLINE, trust_env=False)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    guarded = Guarded(tmp_path_factory.mktemp("guarded"))
    yield guarded
    assert guarded.server.stop() == 0


REFUSED = (400, "InvalidKeyException", "Authorization failed")
NOT_RENEWED = (400, "InvalidKeyException", "Authentication failed")
OFF = (405, "MethodNotAllowedException", "not allowed")


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ("Inference GET /ping", None, REFUSED),
        ("Inference GET /ping", "inference", 200),
        ("Inference GET /ping", "management", REFUSED),
        ("Inference GET /ping", "API", REFUSED),
        ("Inference GET /ping", "wrong", REFUSED),
        ("Inference GET /nowhere", None, REFUSED),
        ("Inference GET /nowhere", "inference", 404),
        ("Inference OPTIONS /", None, 200),
        ("Inference GET /api-description", None, 200),
        ("Management OPTIONS /", None, 200),
        ("Management GET /models", None, REFUSED),
        ("Management GET /models", "inference", REFUSED),
        ("Management GET /models", "management", 200),
        ("Management POST /models?url=echo.mar", "management", OFF),
        ("Management DELETE /models/echo", "management", OFF),
        ("Management PUT /models/echo/1.0/set-default", "management", 200),
        ("Management POST /models?url=echo.mar", None, REFUSED),
        ("Management GET /token?type=inference", None, NOT_RENEWED),
        ("Management GET /token?type=inference", "inference", NOT_RENEWED),
        ("Management GET /token", "API", NOT_RENEWED),
        ("Management GET /token?type=API", "API", NOT_RENEWED),
        ("Inference GET /token?type=inference", "API", REFUSED),
        ("Metrics GET /token?type=inference", "API", 404),
        ("Metrics GET /metrics", None, 200),
    ],
)
def test_each_route_has_its_key(house: Guarded, line: str, key: str | None, expected: Any) -> None:
    answer = house.ask(line, key)
    if isinstance(expected, int):
        assert answer.status_code == expected
    else:
        said = answer.json()
        assert (answer.status_code, said["type"]) == expected[:2]
        assert expected[2] in said["message"]
    assert {name: answer.headers.get(name) for name in CORS} == CORS


@pytest.mark.parametrize("kind", ["inference", "management"])
def test_a_renewed_key_replaces_the_old_one(house: Guarded, kind: str) -> None:
    line = {"inference": "Inference GET /ping", "management": "Management GET /models"}[kind]
    before = house.keys()
    answer = house.ask(f"Management POST /token?type={kind}", "API")
    assert (answer.status_code, answer.content) == (200, b"\n")
    after = house.keys()
    assert {name for name in after if after[name] != before[name]} == {kind}
    assert house.ask(line, before[kind]["key"]).status_code == 400
    assert house.ask(line, kind).status_code == 200


def test_a_page_elsewhere_may_ask_first(house: Guarded) -> None:
    asks = {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}
    answer = house.ask("Inference OPTIONS /predictions/echo", headers=asks)
    assert (answer.status_code, answer.content) == (200, b"")
    assert {name: answer.headers.get(name) for name in CORS} == CORS


def test_keys_expire_and_only_the_api_key_brings_new_ones(tmp_path: Path) -> None:
    house = Guarded(tmp_path, "--enable-model-api", TS_TOKEN_EXPIRATION_TIME_MIN="0.02")
    try:
        deadline = time.monotonic() + DEADLINE
        while house.ask("Management GET /models", "management").status_code == 200:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)
        assert house.ask("Inference GET /ping", "inference").status_code == 400
        assert house.ask("Management GET /token?type=management", "management").status_code == 400
        assert house.ask("Management GET /token?type=management", "API").status_code == 200
        refused = house.ask("Management POST /models?url=http://other.example/x.mar", "management")
        assert refused.status_code == 404
        assert "does not match any allowed URL(s)" in refused.json()["message"]
        refused = house.ask("Management POST /models?url=https://models.example/../x.mar", "management")
        assert "Relative path is not allowed in url" in refused.json()["message"]
    finally:
        house.server.stop()
