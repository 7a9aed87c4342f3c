"""Real worker processes, and folders with handlers for them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .peer import DEADLINE, Server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Starts ``python -m tsnb.worker`` processes; they are gone when the test ends."""
    servers: list[Server] = []

    def begin() -> Server:
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE)
        log = tmp_path / f"worker{len(servers)}.log"
        with log.open("wb") as file, theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tsnb.worker", "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        servers.append(Server(ours, process, log))
        return servers[-1]

    yield begin
    for server in servers:
        server.sock.close()
        server.process.wait(DEADLINE)


@pytest.fixture
def worker(start: Callable[[], Server]) -> Server:
    return start()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes the files of a model's folder."""

    def files(**sources: str) -> Path:
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source)
        return folder

    return files
