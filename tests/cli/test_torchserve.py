"""``tsnb torchserve``: the life of a server as its users' scripts lead it, and every message on the way (spec 8.3)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support.command import DEADLINE, TSNB, clean_environment

from tsnb import properties
from tsnb.cli import main

ADDRESSES = "".join(f"{name}_address=http://127.0.0.1:0\n" for name in ("inference", "management", "metrics"))
ADDRESSES += "grpc_inference_port=0\ngrpc_management_port=0\n"


class Shell:
    """Runs ``tsnb torchserve`` in a folder, with a temporary folder of its own; each writes to a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "said.txt"
        self.pid_file = folder / "tmp" / ".model_server.pid"
        for name in ("tmp", "store"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "c.properties").write_text(ADDRESSES)

    def __call__(self, *words: str, **environ: str) -> tuple[int, str]:
        self.out = self.folder / f"said-{time.monotonic_ns()}.txt"
        with self.out.open("wb") as file:
            status = subprocess.run(
                [*TSNB, "torchserve", *words],
                cwd=self.folder,
                env=self.environment(environ),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=DEADLINE,
                check=False,
            ).returncode
        return status, self.out.read_text()

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        return clean_environment({"TMPDIR": str(self.folder / "tmp"), **extra})

    def start(self, *words: str) -> str:
        """Start in the background; the management address."""
        status, said = self("--start", "--model-store", "store", *words)
        assert status == 0, said
        return self.address()

    def restart(self, *words: str) -> str:
        """Start once more with nothing but these words."""
        assert self(*words)[0] == 0
        return self.address()

    def address(self) -> str:
        deadline = time.monotonic() + DEADLINE
        while "Model server started." not in (said := self.said()):
            assert time.monotonic() < deadline, said
            threading.Event().wait(0.05)
            assert self.process().is_running(), said
        return [line.partition(": ")[2] for line in said.splitlines() if line.startswith("Management address: ")][-1]

    def said(self) -> str:
        """What the last command said, and the server that it started."""
        return self.out.read_text()

    def process(self) -> psutil.Process:
        return psutil.Process(int(self.pid_file.read_text()))

    def snapshots(self) -> list[dict[str, str]]:
        """All of them, oldest first, with their kind under ``kind``."""
        files = sorted((self.folder / "logs" / "config").iterdir())
        return [properties.parse(file.read_text()) | {"kind": file.stem.partition("-")[2]} for file in files]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    if shell.pid_file.is_file() and not shell.pid_file.is_symlink():
        shell("--stop")


Here = Callable[..., tuple[int, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The same command line in this process, for what starts no server: exit status and stdout."""
    Shell(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    for name in ("TS_CONFIG_FILE", "TEMP", "LOG_LOCATION"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> tuple[int, str]:
        status = main(["torchserve", *words])
        return status, capsys.readouterr().out

    return call


def models(snapshot: dict[str, str]) -> Any:
    return json.loads(snapshot["model_snapshot"])["models"]


def test_a_server_in_the_background_is_found_again_and_stopped(shell: Shell, store: Callable[..., Path]) -> None:
    store("echo")
    url = shell.start("--ts-config", "c.properties", "--models", "e=echo.mar", "--dt", "--enable-model-api")
    server = shell.process()
    assert os.getsid(server.pid) == server.pid  # closing the terminal does not end it
    assert httpx.get(f"{url}/models", trust_env=False).json()["models"][0]["modelName"] == "e"
    assert shell("--start", "--model-store", "store") == (
        1,
        "TorchServe is already running, please use torchserve --stop to stop TorchServe.\n",
    )
    status, said = shell("--stop")
    assert (status, said.splitlines()[-1]) == (0, "TorchServe has stopped.")
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    assert not shell.pid_file.exists()
    assert shell("--stop") == (0, "TorchServe is not currently running.\n")
    assert [snapshot["kind"] for snapshot in shell.snapshots()] == ["startup", "shutdown"]


def test_changes_come_back_after_a_restart(shell: Shell, store: Callable[..., Path]) -> None:
    store("echo")
    url = shell.start("--ts-config", "c.properties", "--dt", "--enable-model-api")
    with httpx.Client(base_url=url, trust_env=False, timeout=DEADLINE) as client:
        registered = client.post("/models?url=echo.mar&initial_workers=0&batch_size=3&response_timeout=7")
        assert registered.status_code == 200
        assert client.put("/models/echo?min_worker=1&max_worker=2&synchronous=true").status_code == 200
        assert client.post("/models?url=echo.mar&model_name=gone&initial_workers=0").status_code == 200
        assert client.delete("/models/gone").status_code == 200
        assert client.put("/models/echo/1.0/set-default").status_code == 200
        assert client.put("/models/missing?min_worker=1").status_code == 404
    assert [snapshot["kind"] for snapshot in shell.snapshots()] == ["startup"] + ["snapshot"] * 5
    assert shell("--stop", "--foreground")[0] == 0
    last = shell.snapshots()[-1]
    assert last["kind"] == "shutdown"
    assert models(last)["echo"]["1.0"] == {
        "defaultVersion": True,
        "marName": "echo.mar",
        "minWorkers": 1,
        "maxWorkers": 2,
        "batchSize": 3,
        "maxBatchDelay": 100,
        "responseTimeout": 7,
        "startupTimeout": 120,
        "runtimeType": "python",
    }
    assert last["model_store"] == str(shell.folder / "store")
    assert last["management_address"] == "http://127.0.0.1:0"
    # Doors that were opened by flags do not open by themselves.
    assert not {"disable_token_authorization", "enable_model_api"} & set(last)
    url = shell.restart("--models", "nothing.mar")
    model = httpx.get(f"{url}/models/echo", trust_env=False, headers=key(shell)).json()[0]
    said = (model["minWorkers"], model["maxWorkers"], model["batchSize"], model["responseTimeout"])
    assert said == (1, 2, 3, 7)
    assert httpx.delete(f"{url}/models/echo", trust_env=False, headers=key(shell)).status_code == 405


def key(shell: Shell) -> dict[str, str]:
    found = json.loads((shell.folder / "key_file.json").read_text())
    return {"Authorization": f"Bearer {found['management']['key']}"}


def test_without_snapshots_nothing_is_written(shell: Shell) -> None:
    shell.start("--ts-config", "c.properties", "--ncs", "--dt")
    shell("--stop")
    assert not (shell.folder / "logs" / "config").exists()


def test_in_the_foreground_it_ends_with_the_signal(shell: Shell) -> None:
    words = ["--foreground", "--model-store", "store", "--ts-config", "c.properties", "--ncs"]
    with shell.out.open("wb") as out:
        server = subprocess.Popen(
            [*TSNB, "torchserve", *words], cwd=shell.folder, env=shell.environment({}), stdout=out, stderr=out
        )
    until_named(shell, server.pid)
    shell.address()
    status, said = shell("--stop", "--foreground")
    assert status == 0
    assert "stopped" not in said
    assert server.wait(DEADLINE) == 0
    assert not shell.pid_file.exists()
    assert not (shell.folder / "key_file.json").exists()


def until_named(shell: Shell, pid: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while not (shell.pid_file.exists() and shell.pid_file.read_text() == str(pid)):
        assert time.monotonic() < deadline, shell.said()
        threading.Event().wait(0.05)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--version"], 0, "TorchServe Version is 0.12.0\n"),
        (["-v"], 0, "TorchServe Version is 0.12.0\n"),
        (["--stop"], 0, "TorchServe is not currently running.\n"),
        ([], 1, "Missing mandatory parameter --model-store\n"),
        (["--start", "--models", "a.mar"], 1, "Missing mandatory parameter --model-store\n"),
        (["--model-store", "no"], 1, "--model-store directory not found: no\n"),
        (["--ts-config", "no"], 1, "--ts-config file not found: no\n"),
        (["--model-store", "store", "--workflow-store", "no"], 1, "--workflow-store directory not found: no\n"),
        (["--model-store", "store", "--log-config", "no"], 1, "--log-config file not found: {folder}/no\n"),
        (["--model-store", "store", "--cpp-log-config", "no"], 1, "--cpp-log-config file not found: {folder}/no\n"),
        (["--model-store", "store", "--ts-config", "bad"], 1, "job_queue_size='many' must be a whole number.\n"),
    ],
)
def test_what_cannot_be_done_is_said_in_torchserves_words(
    here: Here, tmp_path: Path, words: list[str], status: int, said: str
) -> None:
    (tmp_path / "bad").write_text("job_queue_size=many\n")
    assert here(*words) == (status, said.format(folder=tmp_path))
    assert not (tmp_path / "tmp" / ".model_server.pid").exists()


@pytest.mark.parametrize("words", [["--start", "--stop"], ["--version", "--stop"], ["--nonsense"], ["--models"]])
def test_words_that_make_no_sense_have_status_2(here: Here, words: list[str]) -> None:
    assert here(*words)[0] == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TS_CONFIG_FILE", "--ts-config file not found: no\n"),
        ("TEMP", "Invalid temp directory: no, please check TEMP environment variable.\n"),
    ],
)
def test_the_environment_is_checked(here: Here, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setenv(name, "no")
    assert here("--model-store", "store", "--ts-config", "c.properties") == (1, said)


def test_a_process_that_is_no_server_is_left_alone(shell: Shell) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        shell.pid_file.write_text(str(other.pid))
        status, said = shell("--stop")
        assert other.poll() is None
    assert (status, said) == (0, "Removing orphan pid file.\nTorchServe is not currently running.\n")
    assert not shell.pid_file.exists()


def test_nobody_else_says_whom_to_stop(shell: Shell) -> None:
    (shell.folder / "elsewhere").write_text(str(os.getpid()))
    shell.pid_file.symlink_to(shell.folder / "elsewhere")
    for words in (["--stop"], ["--model-store", "store", "--ts-config", "c.properties"]):
        status, said = shell(*words)
        assert status == 1
        assert "is not this user's" in said


def test_flags_without_effect_say_so(shell: Shell) -> None:
    (shell.folder / "log4j2.xml").write_text("<Configuration/>")
    words = ("--cpp-log-config", "log4j2.xml", "--plugins-path", "jars")
    shell.start("--ts-config", "c.properties", "--ncs", *words)
    for flag in words[::2]:
        assert f"{flag} has no effect" in shell.said()
