"""A real notebook server in a process of its own, and kernels started by it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

START_TIMEOUT = 60.0
CELL_TIMEOUT = 120.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class CellFailed(AssertionError):
    """A cell raised; the message is its traceback."""


class NotebookServer:
    """``jupyter server`` (or ``app="lab"``) in a folder, on a free port, with a random token."""

    def __init__(
        self, folder: Path, *, base_url: str = "/", app: str = "server", options: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.base_url = base_url
        self.url = f"http://127.0.0.1:{self.port}{base_url}"
        self._app = app
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.stopped_by_itself = False
        self.log = folder / ".notebook-server.log"

    def __enter__(self) -> NotebookServer:
        runtime = self.folder / ".runtime"
        command = [
            *(sys.executable, "-m", "jupyter", self._app, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}"),
            *(f"--ServerApp.root_dir={self.folder}", f"--ServerApp.base_url={self.base_url}", *self._options),
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=os.environ
                | {"JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(self.folder / ".config")},
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
            self.stopped_by_itself = True
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + START_TIMEOUT
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                self.get("api/status")
                return
            assert self._process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=0.05)  # its early end, or a moment until the next look
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the notebook server did not start:\n{self.log.read_text()}")

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """An HTTP request with the token; status and body."""
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        request.add_header("Authorization", f"token {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=CELL_TIMEOUT) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get(self, path: str) -> Any:
        """The JSON at a path; raises URLError when nobody answers."""
        status, body = self.request("GET", path)
        assert status == 200, f"GET {path}: {status} {body!r}"
        return json.loads(body)

    @contextlib.contextmanager
    def kernel(self) -> Iterator[Kernel]:
        """A kernel that this server starts, as a notebook would; gone afterwards."""
        from jupyter_client.blocking import BlockingKernelClient

        status, body = self.request("POST", "api/kernels", b"{}", **{"Content-Type": "application/json"})
        assert status == 201, body
        kernel_id = json.loads(body)["id"]
        client = BlockingKernelClient(connection_file=str(self.folder / ".runtime" / f"kernel-{kernel_id}.json"))
        client.load_connection_file()
        client.start_channels()
        try:
            _wait_for_ready(client)
            yield Kernel(client)
        finally:
            client.stop_channels()
            self.request("DELETE", f"api/kernels/{kernel_id}")


def _wait_for_ready(client: Any) -> None:
    """On a busy machine a kernel that is starting can miss a heartbeat, which jupyter_client takes for its death."""
    end = time.monotonic() + START_TIMEOUT
    while True:
        try:
            client.wait_for_ready(timeout=START_TIMEOUT)
            return
        except RuntimeError:
            if time.monotonic() > end:
                raise


class Kernel:
    """A kernel to type cells into."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, code: str) -> str:
        """Run a cell; what it printed and showed as text. Raises CellFailed with the traceback."""
        request = self.client.execute(code, stop_on_error=False)  # an error aborts no later cell
        text: list[str] = []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=CELL_TIMEOUT)
            except Empty:
                raise CellFailed(f"no end of this cell in {CELL_TIMEOUT:g} s:\n{code}") from None
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream" and content["name"] == "stdout":
                text.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                text.append(content["data"].get("text/plain", ""))
            elif kind == "error":
                raise CellFailed("\n".join([*text, *content["traceback"]]))
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(text)
