"""The extension's life: settings, first use, the lock on the model store, what kernels are told, and the end."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from support.engine import SmallEngine

from tsnb.config import Config
from tsnb.errors import ConfigError, Conflict, ServiceUnavailable
from tsnb.jupyter.extension import TsnbApp
from tsnb.jupyter.host import Host
from tsnb.jupyter.lock import NAME, StoreLock

HOLDER = """
import sys
from pathlib import Path
from tsnb.jupyter.lock import StoreLock
StoreLock(Path(sys.argv[1])).take()
print("taken", flush=True)
sys.stdin.read()
"""


def test_every_setting_is_a_trait_with_its_help_and_default() -> None:
    traits = TsnbApp.class_traits(config=True)
    for each in fields(Config):
        assert traits[each.name].help == each.metadata["help"]
    app = TsnbApp()
    assert app.max_request_size == Config().max_request_size
    assert app.model_store == "model_store"
    assert app.enable_model_api is True


class TestSettings:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["TsnbApp"].update(model_store="elsewhere", job_queue_size=7, enable_model_api=False)
        return jp_server_config

    async def test_they_reach_the_engine(self, fetch, engine, jp_root_dir) -> None:
        config = (await engine()).config
        assert (config.model_store, config.job_queue_size) == (str(jp_root_dir / "elsewhere"), 7)
        assert (await fetch("models", method="POST", params={"url": "echo.mar"})).code == 405


async def test_nothing_is_made_before_the_first_use(fetch, tsnb_app, engine, jp_root_dir) -> None:
    assert not (jp_root_dir / "model_store").exists()
    await asyncio.gather(*(fetch("models") for _ in range(5)))
    assert (jp_root_dir / "model_store" / NAME).read_text() == f"{os.getpid()}\n"
    assert (await engine()).starts == 1


async def test_stopping_twice_closes_once_and_frees_the_store(tsnb_app, engine, jp_root_dir) -> None:
    small = await engine()
    await tsnb_app.stop_extension()
    await tsnb_app.stop_extension()
    assert small.closes == 1
    StoreLock(jp_root_dir / "model_store").take()
    with pytest.raises(ServiceUnavailable, match="shutting down"):
        await tsnb_app.host.doors()


async def test_stopping_is_bounded(tmp_path, monkeypatch) -> None:
    class Stuck(SmallEngine):
        async def close(self, timeout: float = 3.0) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("tsnb.jupyter.host.CLOSE_TIMEOUT", 0.01)
    host = Host(Config(model_store=str(tmp_path)), Stuck)
    await host.doors()
    async with asyncio.timeout(3):
        await host.close()
    StoreLock(tmp_path).take()


async def test_an_engine_that_does_not_start_leaves_the_store_free(tmp_path) -> None:
    class Broken(SmallEngine):
        async def start(self) -> None:
            raise ConfigError("no")

    host = Host(Config(model_store=str(tmp_path)), Broken)
    for _ in range(2):
        with pytest.raises(ConfigError):
            await host.doors()
    StoreLock(tmp_path).take()


async def test_a_store_that_cannot_be_written_is_one_clear_answer(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    host = Host(Config(model_store=str(tmp_path / "file")), SmallEngine)
    with pytest.raises(ConfigError, match=r"c\.TsnbApp\.model_store"):
        await host.doors()


async def test_a_second_server_on_the_store_is_told_who_holds_it(fetch, jp_root_dir) -> None:
    store = jp_root_dir / "model_store"
    store.mkdir()
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"taken\n"
        answer = await fetch("models")
        assert answer.code == 409
        assert json.loads(answer.body) == {
            "code": 409,
            "type": "ConflictStatusException",
            "message": f"Another notebook server (process {holder.pid}) uses this model store. "
            "Stop it, or give this server its own: c.TsnbApp.model_store = '<another folder>'.",
        }
        holder.kill()
    assert (await fetch("models")).code == 200


def test_a_stale_lock_file_means_nothing(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("123456789\nand more\n")
    lock = StoreLock(tmp_path)
    lock.take()
    lock.take()
    assert (tmp_path / NAME).read_text() == f"{os.getpid()}\n"
    with pytest.raises(Conflict, match=str(os.getpid())):
        StoreLock(tmp_path).take()
    lock.release()
    lock.release()
    StoreLock(tmp_path).take()


async def test_kernels_are_told_the_url_and_the_token(tsnb_app, jp_serverapp, monkeypatch) -> None:
    monkeypatch.delenv("TSNB_URL", raising=False)
    monkeypatch.setenv("TSNB_TOKEN", "an outer server's")
    await tsnb_app._start_jupyter_server_extension(jp_serverapp)
    assert os.environ["TSNB_URL"] == f"http://localhost:{jp_serverapp.port}/a%40b/tsnb/"
    assert os.environ["TSNB_TOKEN"] == jp_serverapp.identity_provider.token
    await tsnb_app.stop_extension()
    assert "TSNB_URL" not in os.environ
    assert "TSNB_TOKEN" not in os.environ


@pytest.mark.parametrize(
    "password", ["", "argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdHNhbHQ$AAAA"], ids=["open", "password"]
)
class TestServersWithoutToken:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any], password: str) -> dict[str, Any]:
        jp_server_config["IdentityProvider"] = {"token": ""}
        jp_server_config["ServerApp"]["token"] = ""
        jp_server_config["PasswordIdentityProvider"] = {"hashed_password": password}
        return jp_server_config

    async def test_kernels_get_a_token_of_ours(self, tsnb_app, jp_fetch, password: str) -> None:
        token = tsnb_app.kernel_environment()["TSNB_TOKEN"]
        assert len(token) > 30
        for sent, code in [(token, 200), ("wrong", 403)]:
            answer = await jp_fetch(
                "tsnb",
                "models",
                method="POST",
                body=b"",
                params={"url": "echo.mar"},
                headers={"Authorization": f"token {sent}"},
                raise_error=False,
            )
            assert answer.code == code
        elsewhere = await jp_fetch("api", "kernels", headers={"Authorization": f"token {token}"}, raise_error=False)
        assert elsewhere.code == (403 if password else 200)
