"""Registering and scaling models over the management API, for tsnb and TorchServe."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import archives
from benchmarks.server import Launch

TIMEOUT = 300


class Refused(RuntimeError):
    """The management API did not answer 200."""


def call(base: str, method: str, path: str, body: bytes | None = None, content_type: str = "") -> tuple[Any, float]:
    """The JSON answer and the seconds it took. Raises Refused."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    headers = {"Content-Type": content_type} if content_type else {}
    start = time.perf_counter()
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    seconds = time.perf_counter() - start
    if answer.status != 200:
        raise Refused(f"{method} {path}: {answer.status} {text[:300]!r}")
    return json.loads(text or b"null"), seconds


def register(base: str, archive: str, workers: int = 1) -> float:
    """Seconds until its workers are ready."""
    return call(base, "POST", f"/models?url={archive}&initial_workers={workers}&synchronous=true")[1]


def scale(base: str, model: str, workers: int) -> float:
    """Seconds until that many workers are ready."""
    return call(base, "PUT", f"/models/{model}?min_worker={workers}&max_worker={workers}&synchronous=true")[1]


def unregister(base: str, model: str) -> None:
    """Stop its workers."""
    call(base, "DELETE", f"/models/{model}")


def pids(base: str, model: str) -> list[int]:
    """The processes of its workers."""
    answer, _ = call(base, "GET", f"/models/{model}")
    return [int(worker["pid"]) for worker in answer[0]["workers"]]


def empty(launch: Launch, folder: Path) -> tuple[Launch, Path]:
    """The same server without a model at the start, and its store."""
    at = launch.command.index("--models")
    del launch.command[at : at + 2]
    config = folder / "config.properties"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("models=")]
    config.write_text("\n".join(lines) + "\n")
    return launch, folder / "store"


def ready(base: str, seconds: float = 60) -> None:
    """Wait until the management API answers. Raises OSError when it does not."""
    end = time.monotonic() + seconds
    while True:
        try:
            call(base, "GET", "/models")
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def trivial(store: Path) -> str:
    """A model that answers a constant."""
    return archives.write(store, "echo").name
