"""A server under measurement: started, waited for until it answers, held still between its turns, ended."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client import Connection, request_bytes
from benchmarks.processes import Family

START_TIMEOUT = 120.0


class NotStarted(RuntimeError):
    """A server did not come up; the message ends with what it wrote last."""


@dataclass
class Launch:
    """How to start a server, and where it then answers."""

    command: list[str]
    url: str
    environ: dict[str, str] = field(default_factory=dict)
    management: str = ""


class Server:
    """A running server. ``url`` is where predictions go."""

    def __init__(self, launch: Launch, family: Family, log: Path) -> None:
        self.url = launch.url
        self.management = launch.management
        self.family = family
        self.log = log

    def tail(self) -> str:
        """The end of what it wrote."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-3:])[-400:]


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def started(launch: Launch, folder: Path) -> Iterator[Server]:
    """The server, its first process running; ended with all its descendants afterwards."""
    log = folder / "server.log"
    shared = str(Path(__file__).parent / "tasks")
    environ = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": shared} | launch.environ
    for name in [name for name in environ if name.startswith(("TS_", "TSNB_"))]:
        del environ[name]
    with log.open("wb") as output:
        process = subprocess.Popen(
            launch.command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    family = Family(process)
    try:
        yield Server(launch, family, log)
    finally:
        family.stop()


def until_it_answers(server: Server, body: bytes, content_type: str) -> None:
    """Ask until the answer is 200. Raises NotStarted."""
    request = request_bytes(server.url, body, content_type)
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        if not server.family.alive():
            raise NotStarted(f"ended with status {server.family.status()}: {server.tail()}")
        with contextlib.suppress(OSError, ValueError), Connection(server.url, 30) as connection:
            if connection.ask(request).status == 200:
                server.family.members()
                return
        time.sleep(0.1)
    raise NotStarted(f"no answer within {START_TIMEOUT:g} s: {server.tail()}")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one server's files."""
    with tempfile.TemporaryDirectory(prefix="tsnb-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
