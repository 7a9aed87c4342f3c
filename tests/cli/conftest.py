"""Real ``tsnb serve`` processes, and the command run to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import DEADLINE, HANDLERS, Server, run


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """``serve("--models", "all")`` starts a server on a free port with an empty store, or the store that is there."""
    started: list[Server] = []
    (tmp_path / "store").mkdir(exist_ok=True)

    def call(*arguments: str, environ: dict[str, str] | None = None, fds: tuple[int, ...] = (), **said: Any) -> Server:
        if said.get("port", True):
            arguments = ("--port", "0", *arguments)
        if said.get("store", True):
            arguments = ("--model-store", str(tmp_path / "store"), *arguments)
        started.append(Server(list(arguments), tmp_path, environ or {}, fds))
        return started[-1]

    yield call
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(DEADLINE)


@pytest.fixture
def store(tmp_path: Path) -> Callable[[str, str], Path]:
    """``store("echo")`` puts an archive of that handler into the store."""

    def call(handler: str, name: str | None = None) -> Path:
        folder = tmp_path / "store"
        folder.mkdir(exist_ok=True)
        made_of = ["--model-name", name or handler, "-v", "1.0", "--handler", str(HANDLERS / f"{handler}.py")]
        done = run("archive", *made_of, "--export-path", str(folder))
        assert done.returncode == 0, done.stderr
        return folder / f"{name or handler}.mar"

    return call


@pytest.fixture(name="run")
def _run() -> Callable[..., Any]:
    return run
