"""The real TorchServe beside tsnb. Without it (see ``make conformance``) these tests are skipped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.notebook_server import free_port

ROOT = Path(__file__).parent.parent.parent
READY_TIMEOUT = 90.0


def torchserve_bin() -> Path | None:
    """The folder with the commands of TorchServe, if it was installed by ``make conformance`` or named by hand."""
    folder = Path(os.environ.get("TORCHSERVE_BIN", ROOT / ".venv-torchserve" / "bin"))
    return folder if (folder / "torchserve").exists() and shutil.which("java") else None


@pytest.fixture(scope="session")
def torchserve() -> Path:
    """Where the commands of the real TorchServe are."""
    found = torchserve_bin()
    if found is None:
        pytest.skip("the real TorchServe is not installed here: make conformance installs it (needs Java 17)")
    return found


class Server:
    """A model server in a folder of its own, TorchServe or tsnb, without tokens and with the model API on."""

    def __init__(self, command: list[str], folder: Path, store: Path, workers: int = 1) -> None:
        self.ports = [free_port() for _ in range(5)]
        config = folder / "config.properties"
        names = ("inference_address", "management_address", "metrics_address")
        lines = [f"{name}=http://127.0.0.1:{port}" for name, port in zip(names, self.ports, strict=False)]
        lines += [f"grpc_inference_port={self.ports[3]}", f"grpc_management_port={self.ports[4]}"]
        lines += [f"default_workers_per_model={workers}", "disable_system_metrics=true"]
        config.write_text("\n".join(lines) + "\n")
        self._command = [*command, "--ncs", "--ts-config", str(config), "--model-store", str(store), "--models", "all"]
        self._command += ["--foreground", "--disable-token-auth", "--enable-model-api"]
        self._folder = folder
        self._output: list[str] = []
        self._ready = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Server:
        env = os.environ | {"PATH": f"{Path(self._command[0]).parent}:{os.environ['PATH']}", "TEMP": str(self._folder)}
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        if not self._ready.wait(READY_TIMEOUT):
            self.__exit__()
            raise AssertionError("not started:\n" + "".join(self._output[-60:]))
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._output.append(line)
            if "Model server started" in line:
                self._ready.set()

    def request(self, method: str, path: str, body: bytes | None = None, port: int = 0, **headers: str) -> tuple:
        """Status, body and headers of an answer; ``port`` 0 is inference, 1 management, 2 metrics."""
        url = f"http://127.0.0.1:{self.ports[port]}{path}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, body, names, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    def predict(self, name: str, body: bytes, content_type: str = "application/octet-stream") -> bytes:
        """The body of a prediction that must work, once the model's worker is up."""
        status, answer, _ = self.request("POST", f"/predictions/{name}", body, Content_Type=content_type)
        assert status == 200, (status, answer, "".join(self._output[-60:]))
        return answer

    def workers(self, name: str) -> list[str]:
        """The states of a model's workers."""
        status, answer, _ = self.request("GET", f"/models/{name}", port=1)
        assert status == 200, answer
        return [worker["status"] for worker in json.loads(answer)[0]["workers"]]


@pytest.fixture(scope="session")
def tsnb_command() -> list[str]:
    """The stand-alone tsnb."""
    return [sys.executable, "-m", "tsnb", "serve"]
