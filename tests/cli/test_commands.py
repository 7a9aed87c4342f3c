"""The other commands, run as processes: archives on disk, and a running server."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import DEADLINE, HANDLERS, Server, one_line

from tsnb.cli.commands import COMMANDS, main

Run = Callable[..., Any]
ECHO = str(HANDLERS / "echo.py")


def test_importing_the_command_is_cheap() -> None:
    code = "import sys, tsnb.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "tornado", "httpx", "asyncio", "jupyter_server", "msgspec"} & set(loaded)


def test_help_and_version(run: Run) -> None:
    assert run("--version").stdout.startswith(b"tsnb ")
    for words in ([], ["--help"]):
        done = run(*words)
        assert done.returncode == 0
        assert b"unserve" in done.stdout
    assert b"--lifeline" in run("serve", "--help").stdout


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["serve", "--nonsense"],
        ["serve", "--port", "x"],
        ["archive"],
        ["scale", "m", "many"],
        ["diff", "a"],
    ],
)
def test_bad_command_lines_get_one_line_and_status_2(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "--help" in one_line(done.stderr)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["--help"]) == 0
    assert re.search(rf"^  {name} +\w", capsys.readouterr().out, re.MULTILINE)
    assert main([name, "--help"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"usage: tsnb {name}")
    assert said.err == ""


def test_the_doctor_finds_what_is_in_the_way(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "c.properties").write_text(
            f"inference_address=http://127.0.0.1:{port}\nmanagement_address=http://127.0.0.1:0\n"
            "metrics_address=http://127.0.0.1:0\nenable_grpc=false\n"
        )
        done = run("doctor", "--ts-config", "c.properties", folder=tmp_path)
    found = done.stdout.decode()
    assert done.returncode == 1
    assert re.search(rf"^✗ port +http://127.0.0.1:{port} \(inference_address\) another process", found, re.MULTILINE)
    assert found.count("✗") == 1
    for what in ("tsnb", "speedups", "torch", "workers"):
        assert re.search(rf"^[✓–] {what} ", found, re.MULTILINE)


# --- archives ---------------------------------------------------------------------------------------------


def test_an_archive_is_made_looked_into_and_compared(run: Run, tmp_path: Path) -> None:
    made = run("archive", "--model-name", "echo", "-v", "1.0", "--handler", ECHO, folder=tmp_path)
    assert (made.returncode, made.stdout, made.stderr) == (0, b"", b"")
    shown = run("inspect", "echo.mar", folder=tmp_path).stdout.decode()
    assert "echo, version 1.0" in shown
    assert "echo.py" in shown
    facts = json.loads(run("inspect", "echo.mar", "--json", folder=tmp_path).stdout)
    assert facts["manifest"]["model"]["modelName"] == "echo"
    assert "MAR-INF/MANIFEST.json" in facts["files"]
    assert run("diff", "echo.mar", "echo.mar", folder=tmp_path).returncode == 0
    run("archive", "--model-name", "two", "-v", "2", "--handler", ECHO, "--archive-format", "tgz", folder=tmp_path)
    changed = run("diff", "echo.mar", "two.tar.gz", folder=tmp_path)
    assert changed.returncode == 1
    assert b"modelVersion: '1.0' -> '2'" in changed.stdout


def test_an_archive_that_is_there_needs_force(run: Run, tmp_path: Path) -> None:
    words = ("archive", "--model-name", "echo", "-v", "1.0", "--handler", ECHO)
    assert run(*words, folder=tmp_path).returncode == 0
    again = run(*words, folder=tmp_path)
    assert again.returncode == 1
    assert b"echo.mar already exists." in again.stderr
    assert b"--force/-f" in again.stderr
    assert run(*words, "-f", folder=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--model-name", "../x", "-v", "1", "--handler", ECHO], 1),
        (["--model-name", "x", "-v", "1", "--handler", "nowhere.py"], 1),
        (["--model-name", "x", "-v", "1", "--handler", ECHO, "--extra-files", "nowhere.txt"], 1),
        (["--model-name", "x", "-v", "1", "--handler", ECHO, "--runtime", "java"], 2),
        (["--model-name", "x", "-v", "1", "--handler", ECHO, "--archive-format", "rar"], 2),
        (["--model-name", "x", "-v", "1"], 2),
    ],
)
def test_an_archive_that_cannot_be_made_leaves_nothing(run: Run, tmp_path: Path, words: list[str], status: int) -> None:
    done = run("archive", *words, folder=tmp_path)
    assert done.returncode == status
    assert one_line(done.stderr).startswith("tsnb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["inspect", "no.mar"], ["diff", "no.mar", "no.mar"]])
def test_an_archive_that_is_not_there_is_named(run: Run, tmp_path: Path, words: list[str]) -> None:
    done = run(*words, folder=tmp_path)
    assert done.returncode == 1
    assert "no.mar" in one_line(done.stderr)


def test_a_skeleton_is_written_once(run: Run, tmp_path: Path) -> None:
    assert run("new", "my_model", folder=tmp_path).returncode == 0
    text = (tmp_path / "my_model.py").read_text()
    assert "class MyModel(BaseHandler)" in text
    again = run("new", "my_model.py", folder=tmp_path)
    assert again.returncode == 1
    assert "was not touched" in one_line(again.stderr)
    assert (tmp_path / "my_model.py").read_text() == text
    assert "letters, digits" in one_line(run("new", "my-model", folder=tmp_path).stderr)


# --- a running server ---------------------------------------------------------------------------------------


@pytest.fixture
def server(serve: Callable[..., Server], store: Any) -> Iterator[Server]:
    store("echo")
    server = serve("--models", "echo.mar", "--enable-model-api", environ={"TSNB_TOKEN": "secret"}).until_ready()
    yield server
    server.stop()


@pytest.fixture
def ask(server: Server, run: Run) -> Run:
    def call(*words: str, **options: Any) -> Any:
        return run(*words, environ={"TSNB_URL": server.url, "TSNB_TOKEN": "secret"}, **options)

    return call


def until_ready(ask: Run) -> None:
    """A worker that was starting when the number was changed may take its time."""
    deadline = time.monotonic() + DEADLINE
    while b" 1/1 " not in (said := ask("models").stdout):
        assert time.monotonic() < deadline, said
        threading.Event().wait(0.05)


def test_a_server_is_used_from_the_command_line(server: Server, ask: Run, run: Run, tmp_path: Path) -> None:
    scaled = ask("scale", "echo", "1")
    assert (scaled.returncode, scaled.stderr) == (0, b"")
    until_ready(ask)
    assert json.loads(ask("models", "--json").stdout)[0]["spec"]["name"] == "echo"
    assert ask("predict", "echo", '{"a": 1}').stdout == b'{\n  "a": 1\n}'
    assert ask("predict", "echo", "-", stdin=b"\x00\xff").stdout == b"\x00\xff"
    (tmp_path / "sample.txt").write_text("from a file")
    assert ask("predict", "echo", "sample.txt", folder=tmp_path).stdout == b"from a file"
    assert ask("logs", "echo").returncode == 0
    assert run("models", "--url", server.url, "--token", "secret").returncode == 0
    assert "Token Authorization failed" in one_line(run("models", "--url", server.url).stderr)
    for words in (["predict", "missing", "1"], ["predict", "echo", "nowhere.png"], ["scale", "missing", "1"]):
        refused = ask(*words)
        assert refused.returncode == 1
        assert words[1 if "missing" in words else 2] in one_line(refused.stderr)
    assert ask("unserve", "echo").returncode == 0
    assert len(ask("models").stdout.splitlines()) == 1
    again = ask("register", "echo.mar", "--name", "again", "--workers", "0", "--batch-size", "2")
    assert b'"again" Version: 1.0 registered with 0 initial workers' in again.stdout
    assert json.loads(ask("models", "--json").stdout)[0]["spec"]["batch_size"] == 2
    assert b'"again" to "1.0"' in ask("default", "again", "1.0").stdout
    assert "Model not found at: gone.mar" in one_line(ask("register", "gone.mar").stderr)


def test_nobody_at_the_url(run: Run) -> None:
    done = run("models", "--url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "http://127.0.0.1:1" in one_line(done.stderr)
