"""What the panel asks the notebook server: who may, what it starts, what is in the answer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from support.served import HANDLERS
from tornado.httpclient import HTTPRequest

from tsnb.archive.write import archive

PATHS = [
    ("GET", "-/panel"),
    ("GET", "-/archives/inspect?path=net.mar"),
    ("GET", "-/archives/diff?before=net.mar&after=net.mar"),
    ("GET", "-/archives/handlers"),
    ("POST", "-/archives/make"),
    ("POST", "-/archives/serve?path=net.mar"),
]


@pytest.fixture
def root(jp_root_dir: Path) -> Path:
    """The notebook server's folder, with two archives of one model."""
    for version, handler in (("1.0", "echo.py"), ("2.0", "talkative.py")):
        made = archive("net", version=version, handler=HANDLERS / handler, export_path=jp_root_dir, force=True)
        made.rename(jp_root_dir / f"net-{version}.mar")
    return jp_root_dir


async def ask(fetch: Any, where: str, **query: str) -> tuple[int, Any]:
    answer = await fetch(*where.split("/"), params=query)
    return answer.code, json.loads(answer.body)


@pytest.mark.parametrize("allow", [True, False])
@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_strangers_are_refused(
    allow: bool, method: str, path: str, http_server_client: Any, jp_base_url: str, jp_serverapp: Any, tsnb_app: Any
) -> None:
    jp_serverapp.web_app.settings["allow_unauthenticated_access"] = allow
    url = http_server_client.get_url(f"{jp_base_url}tsnb/{path}")
    for headers in ({}, {"Authorization": "token wrong"}):
        request = HTTPRequest(url, method, headers, allow_nonstandard_methods=True)
        answer = await super(type(http_server_client), http_server_client).fetch(request, raise_error=False)
        assert answer.code == 403, path
    assert tsnb_app.host.engine is None


class Reader(Authorizer):
    """Lets everybody look, and nobody do."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read"


async def test_who_may_read_may_look_and_do_nothing(fetch: Any, root: Path, jp_serverapp: Any) -> None:
    jp_serverapp.web_app.settings["authorizer"] = Reader(parent=jp_serverapp)
    assert (await fetch("-", "panel")).code == 200
    assert (await fetch("-", "archives", "inspect", params={"path": "net-1.0.mar"})).code == 200
    assert (await fetch("-", "archives", "serve", method="POST", params={"path": "net-1.0.mar"})).code == 403
    assert (await fetch("-", "archives", "make", method="POST", body=b"{}")).code == 403


async def test_looking_starts_nothing_and_keeps_nothing_alive(fetch: Any, tsnb_app: Any, jp_serverapp: Any) -> None:
    before = jp_serverapp.web_app.last_activity()
    status, found = await ask(fetch, "-/panel")
    assert (status, found["running"], found["models"], found["crashes"]) == (200, False, [], [])
    assert found["memory_total"] > 0
    assert tsnb_app.host.engine is None
    assert jp_serverapp.web_app.last_activity() == before
    assert not Path(tsnb_app.host.config.model_store).exists()


async def test_the_panel_shows_models_and_workers(fetch: Any) -> None:
    await fetch("models", method="POST", params={"url": "echo.mar", "initial_workers": "1"})
    _, found = await ask(fetch, "-/panel")
    [model] = found["models"]
    assert (model["name"], model["version"], model["default"], model["url"]) == ("echo", "1.0", True, "echo.mar")
    [worker] = model["workers"]
    assert worker["state"] == "ready"


async def test_an_archive_is_looked_into(fetch: Any, root: Path) -> None:
    status, found = await ask(fetch, "-/archives/inspect", path="net-1.0.mar")
    assert status == 200
    assert (found["path"], found["model"], found["version"], found["handler"]) == (
        "net-1.0.mar",
        "net",
        "1.0",
        "echo.py",
    )
    assert found["files"]["echo.py"]["role"] == "handler"
    assert "def handle" in found["sources"][0]["text"]


async def test_code_that_hides_is_spelled_out(fetch: Any, root: Path) -> None:
    handler = root / "sly.py"
    handler.write_text('access = "user\u202e" # \u2066admin\n')
    archive("sly", version="1", handler=handler, export_path=root)
    _, found = await ask(fetch, "-/archives/inspect", path="sly.mar")
    text = found["sources"][0]["text"]
    assert "\\u202e" in text
    assert "\u202e" not in text


async def test_two_archives_are_compared(fetch: Any, root: Path) -> None:
    status, found = await ask(fetch, "-/archives/diff", before="net-1.0.mar", after="net-2.0.mar")
    assert status == 200
    assert {"key": "model.modelVersion", "before": "1.0", "after": "2.0"} in found["manifest"]
    assert [(each["was"], each["name"]) for each in found["files"]] == [("echo.py", "talkative.py")]
    assert any(line.startswith("+def answer") for line in found["files"][0]["lines"])
    _, same = await ask(fetch, "-/archives/diff", before="net-1.0.mar", after="net-1.0.mar")
    assert not any(same[key] for key in ("files", "manifest", "tensors"))


@pytest.mark.parametrize(
    "path", ["../outside.mar", "/etc/passwd", "a/../../outside.mar", ".hidden/net.mar", "none.mar", "", "net\0.mar"]
)
async def test_paths_stay_within_the_root(fetch: Any, root: Path, path: str) -> None:
    made = root / "net-1.0.mar"
    (root.parent / "outside.mar").write_bytes(made.read_bytes())
    (root / ".hidden").mkdir()
    (root / ".hidden" / "net.mar").write_bytes(made.read_bytes())
    status, found = await ask(fetch, "-/archives/inspect", path=path)
    assert status in (400, 404), found
    assert str(root.parent) not in found["message"]


async def test_what_is_no_archive_is_refused_with_a_reason(fetch: Any, root: Path) -> None:
    (root / "broken.mar").write_bytes(b"PK\x03\x04 not a zip")
    status, found = await ask(fetch, "-/archives/inspect", path="broken.mar")
    assert status >= 400
    assert "broken.mar" in found["message"]


async def test_an_archive_is_made_and_served(fetch: Any, root: Path, tsnb_app: Any) -> None:
    (root / "work").mkdir()
    (root / "work" / "shout.py").write_text((HANDLERS / "echo.py").read_text())
    order = {"model_name": "shout", "version": "1.0", "handler": "work/shout.py"}
    made = await fetch("-", "archives", "make", method="POST", body=json.dumps(order))
    assert made.code == 201, made.body
    assert json.loads(made.body) == {"name": "shout.mar", "path": "model_store/shout.mar"}
    again = await fetch("-", "archives", "make", method="POST", body=json.dumps(order))
    assert again.code == 409, again.body
    served = await fetch("-", "archives", "serve", method="POST", params={"path": "model_store/shout.mar"})
    assert json.loads(served.body) == {"name": "shout", "version": "1.0", "wanted": 1, "running": 1}


@pytest.mark.parametrize(
    "order", [b"", b"[]", b'{"model_name": 1}', b'{"model_name": "a", "version": "1", "handler": "../../x.py"}']
)
async def test_a_nonsense_order_makes_nothing(fetch: Any, root: Path, order: bytes) -> None:
    answer = await fetch("-", "archives", "make", method="POST", body=order)
    assert answer.code in (400, 404), answer.body
    assert not (root / "model_store").exists()


async def test_an_archive_outside_the_store_is_served_unless_another_has_its_name(fetch: Any, root: Path) -> None:
    (root / "model_store").mkdir()
    served = await fetch("-", "archives", "serve", method="POST", params={"path": "net-1.0.mar", "workers": "2"})
    assert served.code == 200, served.body
    _, found = await ask(fetch, "-/panel")
    assert found["models"][0]["url"] == (root / "net-1.0.mar").resolve().as_uri()
    os.link(root / "net-2.0.mar", root / "model_store" / "net-1.0.mar")
    refused = await fetch("-", "archives", "serve", method="POST", params={"path": "net-1.0.mar"})
    assert refused.code == 409
    assert "another net-1.0.mar" in json.loads(refused.body)["message"]
    wrong = await fetch("-", "archives", "serve", method="POST", params={"path": "net-2.0.mar", "workers": "two"})
    assert wrong.code == 400
