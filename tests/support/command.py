"""A real ``tsnb serve`` process, and any other command run to its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

DEADLINE = 60.0
HANDLERS = Path(__file__).parent.parent / "archives" / "handlers"
TSNB = [sys.executable, "-m", "tsnb"]
HTTP = httpx.Client(timeout=DEADLINE, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""One for all: making a client takes 20 ms of processor time, which a loop that waits would take from the server."""


def until(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Look until a condition holds, leaving the processor to others meanwhile; its first true value."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {deadline} s for {what}"
        threading.Event().wait(0.05)
    return found


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment without what would steer tsnb."""
    names = ("TS_", "TSNB_", "LOG_LOCATION", "METRICS_LOCATION")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)} | (extra or {})


class Server:
    """A ``tsnb serve`` process whose output is read all the time."""

    def __init__(self, arguments: list[str], folder: Path, environ: dict[str, str], pass_fds: tuple[int, ...]) -> None:
        self.process = subprocess.Popen(
            [*TSNB, "serve", *arguments],
            cwd=folder,
            env=clean_environment(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=pass_fds,
        )
        self.said: list[str] = []
        self.logged: list[str] = []
        self.ready = threading.Event()
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.said), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.logged), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: Any, lines: list[str]) -> None:
        for line in pipe:
            lines.append(line.rstrip("\n"))
            if line.startswith("Model server started."):
                self.ready.set()
        self.ready.set()

    def until_ready(self) -> Self:
        assert self.ready.wait(DEADLINE)
        assert "Model server started." in self.said, self.log
        return self

    @property
    def log(self) -> str:
        return "\n".join(self.logged)

    @property
    def url(self) -> str:
        return next(line for line in self.said if line.startswith("Inference address: ")).partition(": ")[2]

    def get(self, path: str, **options: Any) -> httpx.Response:
        return HTTP.get(f"{self.url}/{path}", **options)

    def post(self, path: str, body: bytes) -> httpx.Response:
        return HTTP.post(f"{self.url}/{path}", content=body)

    def family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Signal it and wait; nothing of it may be left."""
        family = self.family() if self.process.poll() is None else []
        self.process.send_signal(how)
        return self.ended(family)

    def ended(self, family: list[psutil.Process]) -> int:
        status = self.process.wait(DEADLINE)
        _, alive = psutil.wait_procs(family, 5)
        assert not alive
        for reader in self._readers:
            reader.join(DEADLINE)
        return status


def run(*arguments: str, folder: Path | None = None, environ: dict[str, str] | None = None, stdin: bytes = b"") -> Any:
    """``tsnb`` with these arguments, to its end."""
    return subprocess.run(
        [*TSNB, *arguments],
        cwd=folder,
        env=clean_environment(environ),
        input=stdin,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )


def one_line(stderr: bytes | str) -> str:
    text = stderr.decode() if isinstance(stderr, bytes) else stderr
    assert re.fullmatch(r"[^\n]+\n?", text), text
    return text
