"""TorchServe or tsnb in a folder of its own, with the ports, the store and the settings of a house."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from tests.conformance.archives import NOT_IN_STORE
from tests.conformance.houses import NO_TOKENS, House
from tests.notebook_server import free_port
from tsnb import __version__ as TSNB_VERSION  # noqa: N812
from tsnb.worker.loader import COMPAT

ROOT = Path(__file__).parent.parent.parent
ON_CPU = str(Path(__file__).parent / "on_cpu")
READY_TIMEOUT = 120.0
TORCHSERVE_VERSION = "0.12.0"
ADDRESSES = ("inference", "management", "metrics")

Kind = Literal["torchserve", "tsnb"]


def torchserve_bin() -> Path | None:
    """The folder with the commands of TorchServe, if it was installed by ``make conformance`` or named by hand."""
    folder = Path(os.environ.get("TORCHSERVE_BIN", ROOT / ".venv-torchserve" / "bin"))
    return folder if (folder / "torchserve").exists() and shutil.which("java") else None


def command(kind: Kind) -> list[str]:
    """The command that starts a server."""
    if kind == "tsnb":
        return [sys.executable, "-m", "tsnb", "serve"]
    found = torchserve_bin()
    if found is None:
        raise FileNotFoundError("the real TorchServe is not installed here: make conformance installs it")
    return [str(found / "torchserve"), "--start"]


class Server:
    """A running server. ``store`` is its model store, ``ports`` maps the names of its listeners to numbers."""

    def __init__(self, kind: Kind, house: House, folder: Path, archives: Path) -> None:
        self.kind = kind
        self.house = house
        self.folder = folder
        self.store = folder / "store"
        names = (*ADDRESSES, "grpc_inference", "grpc_management", "files")
        self.ports = {name: free_port() for name in names}
        if house.one_address:
            self.ports["management"] = self.ports["inference"]
        self.archives = archives
        self._output: list[str] = []
        self._ready = threading.Event()
        self._started = False
        self._process: subprocess.Popen[str] | None = None
        self._files: http.server.ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._fill_store()
        self._files = _file_server(self.archives, self.ports["files"])
        self._process = subprocess.Popen(
            [*command(self.kind), *self._arguments()],
            cwd=self.folder,
            env=self._environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        if not self._ready.wait(READY_TIMEOUT) or not self._started:
            self.__exit__()
            raise AssertionError(f"{self.kind} did not start:\n{self.tail()}")
        try:
            for entry in self.house.load:
                self._wait_for_worker(entry.partition("=")[0])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._files is not None:
            self._files.shutdown()
            self._files.server_close()
        assert self._process is not None
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _wait_for_worker(self, model: str) -> None:
        """TorchServe says that it started before its workers did."""
        url = f"{self.house.scheme}://127.0.0.1:{self.ports['management']}/models/{model}"
        headers = {} if NO_TOKENS in self.house.flags else {"Authorization": f"Bearer {self.token('management')}"}
        pause = threading.Event()
        for _ in range(int(READY_TIMEOUT / 0.05)):
            with urllib.request.urlopen(
                urllib.request.Request(url, headers=headers), timeout=30, context=trusting()
            ) as answer:
                if b'"READY"' in answer.read():
                    return
            pause.wait(0.05)
        raise AssertionError(f"{model} did not start:\n{self.tail()}")

    def tail(self) -> str:
        """The end of what the server printed."""
        return "".join(self._output[-60:])

    def token(self, kind: str) -> str:
        """The key of this kind in the server's key file."""
        keys = json.loads((self.folder / "key_file.json").read_text())
        return str(keys[kind]["key"])

    @property
    def python(self) -> str:
        """The interpreter that has this server's ``ts``."""
        return sys.executable if self.kind == "tsnb" else str(Path(command(self.kind)[0]).parent / "python")

    def importing(self) -> dict[str, str]:
        """The environment of a script that imports it."""
        path = {"PYTHONPATH": COMPAT} if self.kind == "tsnb" else {}
        return self._environment() | path

    def fill(self, text: str) -> str:
        """A text of a case with this server's own places in it."""
        for name, value in self._places().items():
            text = text.replace(f"<{name}>", value)
        return text

    def veil(self, text: str) -> str:
        """A text without what is different each time: places, ports, process ids, times, request ids."""
        for name, value in sorted(self._places().items(), key=lambda item: -len(item[1])):
            text = text.replace(value, f"<{name}>")
        text = text.replace(TSNB_VERSION if self.kind == "tsnb" else TORCHSERVE_VERSION, "<version>")
        for name, port in self.ports.items():
            text = re.sub(rf"\b{port}\b", f"<{name} port>", text)
        for pattern, replacement in VEILS:
            text = re.sub(pattern, replacement, text)
        return text

    def _places(self) -> dict[str, str]:
        keys = self.folder / "key_file.json"
        known = json.loads(keys.read_text()) if keys.exists() else {}
        return {
            **{f"{kind} key": entry["key"] for kind, entry in known.items()},
            "store": str(self.store),
            "folder": str(self.folder),
            "archives": str(self.archives),
            "files": f"http://127.0.0.1:{self.ports['files']}",
        }

    def _fill_store(self) -> None:
        self.store.mkdir()
        for path in self.archives.iterdir():
            wanted = path.name in self.house.archives if self.house.archives else path.name not in NOT_IN_STORE
            if not wanted or path.suffix == ".pem":
                continue
            if path.is_dir():
                shutil.copytree(path, self.store / path.name)
            else:
                shutil.copy(path, self.store)

    def _arguments(self) -> list[str]:
        config = self.folder / "config.properties"
        lines = [f"{name}_address={self.house.scheme}://127.0.0.1:{self.ports[name]}" for name in ADDRESSES]
        lines += [f"grpc_{name}_port={self.ports[f'grpc_{name}']}" for name in ADDRESSES[:2]]
        settings: Mapping[str, str] = {
            "default_workers_per_model": "1",
            "disable_system_metrics": "true",
            **self.house.config,
        }
        lines += [f"{name}={self.fill(value)}" for name, value in settings.items()]
        config.write_text("\n".join(lines) + "\n")
        named = [entry if "=" in entry else f"{entry}={entry}.mar" for entry in self.house.load]
        load = ["--models", *named] if named else []
        flags = [self.fill(flag) for flag in self.house.flags]
        return ["--foreground", "--ncs", "--ts-config", str(config), "--model-store", str(self.store), *load, *flags]

    def _environment(self) -> dict[str, str]:
        names = ("TS_", "TSNB_", "LOG_LOCATION", "METRICS_LOCATION")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
        path = f"{Path(command(self.kind)[0]).parent}:{os.environ['PATH']}"
        own = {name: self.fill(value) for name, value in self.house.environment.items()}
        theirs = {"PYTHONPATH": ON_CPU} if self.kind == "torchserve" else {}
        return kept | {"PATH": path, "TEMP": str(self.folder)} | theirs | own

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._output.append(line)
            if "Model server started" in line:
                self._started = True
                self._ready.set()
        self._ready.set()


VEILS = (
    (r"\[Ljava\.lang\.Object;@[0-9a-f]+", "<object>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r'"(pid|memoryUsage)": \d+', r'"\1": <number>'),
    (r'"id": "9\d+"', '"id": "<worker>"'),
    (r'"startTime": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', '"startTime": "<time>"'),
)


def trusting() -> ssl.SSLContext:
    """TLS without a look at the certificate, which is the server's own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """A file; what lies below ``/moved-to-x/`` is sent on to ``/x/``."""
        _, moved, rest = self.path.partition("/moved-to-")
        if not moved:
            return super().do_GET()
        self.send_response(302)
        self.send_header("Location", f"/{rest}")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def translate_path(self, path: str) -> str:
        """Every first folder is the same: cases choose which of them the server allows."""
        return super().translate_path("/" + path.rsplit("/", 1)[-1])


def _file_server(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """The archives over HTTP."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
