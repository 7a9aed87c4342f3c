"""Does a written module stand alone? It is imported in a fresh interpreter that knows nothing of the notebook.

One child process per kernel (:mod:`tsnb.worker.check`) has imported torch and
forks for each module. It starts in the background; nobody waits for it longer
than he wants to.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import msgspec

from tsnb.capture.module import SIDECAR, Module
from tsnb.errors import CaptureError
from tsnb.messages import Failure, ImportOrder, ImportOutcome

UNKNOWN = ImportOutcome(finished=False)

CLOSE_TIMEOUT = 1.0
"""Seconds the child has to leave by itself."""


class Checker:
    """The child process, started on first use, and again when it has left."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Let the child come up in the background: the first module finds it ready."""
        threading.Thread(target=self._warm_up, name="tsnb-check-start", daemon=True).start()

    def submit(self, order: ImportOrder) -> Future[ImportOutcome]:
        """Have a module imported. The outcome is :data:`UNKNOWN` where the child cannot be used."""
        future: Future[ImportOutcome] = Future()
        threading.Thread(target=self._run, args=(order, future), name="tsnb-check", daemon=True).start()
        return future

    def close(self) -> None:
        """End the child."""
        self._closed = True
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(CLOSE_TIMEOUT)

    def _warm_up(self) -> None:
        with self._asking, contextlib.suppress(OSError):
            self._child()

    def _run(self, order: ImportOrder, future: Future[ImportOutcome]) -> None:
        try:
            with self._asking:
                outcome = self._ask(msgspec.json.encode(order) + b"\n")
        except (OSError, ValueError, msgspec.MsgspecError):
            outcome = UNKNOWN
        future.set_result(outcome)

    def _ask(self, line: bytes) -> ImportOutcome:
        child = self._child()
        assert child.stdin is not None  # noqa: S101 - both are pipes
        assert child.stdout is not None  # noqa: S101
        child.stdin.write(line)
        child.stdin.flush()
        return msgspec.json.decode(child.stdout.readline(), type=ImportOutcome)

    def _child(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        if self._closed:
            raise OSError("the checker is closed")
        # A session of its own: interrupting the kernel must not interrupt it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tsnb.worker.check"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._process


def texts(module: Module) -> dict[str, str]:
    """The text files of a module in a model's folder: itself, its line map, and what it imports from beside."""
    own = {f"{module.name}.py": module.source, module.name + SIDECAR: json.dumps(module.sidecar())}
    return own | {name: Path(path).read_text(encoding="utf-8") for name, path in module.files.items()}


def order(module: Module) -> ImportOrder:
    """What to import, with the files that travel with it and, under their bare names, those that may."""
    return ImportOrder(module.name, texts(module), {Path(name).name: path for name, path in module.data_files.items()})


def problem(failure: Failure) -> CaptureError:
    """Why a module does not stand alone, as the error of its cell."""
    hint = ": it is found from this notebook only" if failure.type == "ModuleNotFoundError" else ""
    return CaptureError(
        f"the module made from this cell fails in a fresh interpreter, as it would in a worker{hint}", failure=failure
    )
