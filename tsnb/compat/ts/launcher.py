"""Start and stop a server from a script or a test (spec 8.3)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from queue import Full, Queue
from typing import IO, Any

COMMAND = (sys.executable, "-P", "-m", "tsnb", "torchserve")
READY = "Model server started"
MANAGEMENT = "http://localhost:8081/models"
KEPT_LINES = 1000
"""Lines that wait for whoever reads the queue; later ones are dropped."""


def start(
    model_store: str | None = None,
    snapshot_file: str | None = None,
    no_config_snapshots: bool = False,
    plugin_folder: str | None = None,
    disable_token: bool = False,
    models: str | Sequence[str] | None = None,
    enable_model_api: bool = False,
) -> Queue[str | None]:
    """Stop the server that runs, start another, and wait until it answers.

    What it says is printed; later lines are in the queue, None at the end.
    """
    stop()
    words = ["--start"]
    for flag, value in (
        ("--model-store", model_store),
        ("--plugins-path", plugin_folder),
        ("--ts-config", snapshot_file),
    ):
        words += [flag, str(value)] if value else []
    for flag, wanted in (
        ("--no-config-snapshots", no_config_snapshots),
        ("--disable-token-auth", disable_token),
        ("--enable-model-api", enable_model_api),
    ):
        words += [flag] if wanted else []
    if models:
        words += ["--models", *([models] if isinstance(models, str) else models)]
    return _follow(words)


def _follow(words: list[str]) -> Queue[str | None]:
    server = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert server.stdout is not None  # noqa: S101 - a pipe was asked for
    for line in server.stdout:
        print(line.rstrip())  # noqa: T201 - what this is for
        if READY in line:
            break
    server.wait()  # the command returns at once; the server goes on and keeps the pipe
    lines: Queue[str | None] = Queue(KEPT_LINES)
    threading.Thread(target=_read, args=(server.stdout, lines), name="torchserve-output", daemon=True).start()
    return lines


def _read(pipe: IO[str], lines: Queue[str | None]) -> None:
    with pipe:
        for line in pipe:
            print(line.rstrip())  # noqa: T201 - what this is for
            try:
                lines.put_nowait(line)
            except Full:
                continue
    while lines.full():  # room for the end
        lines.get()
    lines.put(None)


def stop(wait: bool = True) -> None:
    """Stop the server that runs, if one does."""
    subprocess.run([*COMMAND, "--stop", *(["--foreground"] if wait else [])], check=False)  # noqa: S603


def register_model(model_name: str, url: str) -> Any:
    """Register with one worker and wait for it; the answer is that of ``requests``."""
    return register_model_with_params(
        {"model_name": model_name, "url": url, "initial_workers": "1", "synchronous": "true"}
    )


def register_model_with_params(params: Any) -> Any:
    """Register with these parameters on the default management port."""
    import requests

    return requests.post(MANAGEMENT, params=params, timeout=600)
