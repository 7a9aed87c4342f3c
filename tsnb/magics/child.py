"""A server of the kernel's own: ``tsnb serve`` on a free loopback port, with its own token.

It ends with the kernel, however that ends: the child holds the reading end of
a pipe, and the kernel's end of it vanishes with the process.
"""

from __future__ import annotations

import atexit
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tsnb.errors import ServerUnreachable

if TYPE_CHECKING:
    from tsnb.client import Client

START_TIMEOUT = 60.0
"""Seconds until the child must have said that it is ready."""

STOP_TIMEOUT = 5.0
"""Seconds it has to end by itself."""

READY = "Model server started."
ADDRESS = "Inference address: "


class ChildServer:
    """One child process. ``start`` it once; ``close`` may be called twice."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._token = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[str] | None = None
        self._lifeline = -1
        self._log: IO[str] | None = None
        self._url = ""
        self._ready = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def client(self) -> Client:
        """A client with this server's address and token."""
        from tsnb.client import Client

        return Client(self._url, self._token)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find this server, once it is started."""
        return {"TSNB_URL": self._url, "TSNB_TOKEN": self._token}

    def start(self) -> None:
        """Start the process and wait until it answers. Raises ServerUnreachable with what it said."""
        self._store.mkdir(parents=True, exist_ok=True)
        reading, self._lifeline = os.pipe()
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - open as long as the server
        try:
            self._process = self._spawn(reading)
        finally:
            os.close(reading)
        atexit.register(self.close)
        threading.Thread(target=self._listen, name="tsnb-server-output", daemon=True).start()
        self._ready.wait(START_TIMEOUT)
        if not self._url or not self.alive:
            said = self._last_words()
            self.close()
            raise ServerUnreachable(f"the kernel's own server did not start: {said}")

    def _spawn(self, reading: int) -> subprocess.Popen[str]:
        # A session of its own: interrupting the kernel must not interrupt the server.
        command = [sys.executable, "-m", "tsnb", "serve", *self._arguments(reading)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TSNB_")}
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            env={**environment, "TSNB_TOKEN": self._token},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            pass_fds=(reading,),
            start_new_session=True,
        )

    def _arguments(self, reading: int) -> Iterator[str]:
        yield from ("--model-store", str(self._store), "--port", "0", "--enable-model-api")
        yield from ("--no-access-log", "--ncs", "--lifeline", str(reading))

    def _listen(self) -> None:
        """Read what the server prints, to the end, so that it never waits for a reader."""
        assert self._process is not None  # noqa: S101 - started after the process
        assert self._process.stdout is not None  # noqa: S101
        with self._process.stdout as lines:
            for line in lines:
                if line.startswith(ADDRESS):
                    self._url = line.removeprefix(ADDRESS).strip()
                elif line.startswith(READY):
                    self._ready.set()
        self._ready.set()

    def _last_words(self) -> str:
        if self._log is None or self._log.closed:
            return "it said nothing"
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        return lines[-1] if lines else f"it said nothing within {START_TIMEOUT:.0f} s"

    def close(self) -> int | None:
        """Let go of the lifeline and wait for the end, by force where needed. Returns the exit status."""
        atexit.unregister(self.close)
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._process is None:
            return None
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._log is not None:
            self._log.close()
        return self._process.returncode
