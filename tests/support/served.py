"""A real ``tsnb serve`` in a process of its own, with archives made from the tiny handlers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tsnb.archive.write import archive

HANDLERS = Path(__file__).parent.parent / "archives" / "handlers"
START_TIMEOUT = 60.0


def put_in_store(store: Path, name: str, handler: str, version: str = "1.0") -> None:
    """``NAME-VERSION.mar`` in the store, from a handler in tests/archives/handlers."""
    made = archive(name, version=version, handler=HANDLERS / handler, export_path=store, force=True)
    made.rename(store / f"{name}-{version}.mar")


class Served:
    """``tsnb serve`` on a free port; ``url`` is its address, its ``key_file.json`` lies in ``folder``."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.url = ""
        self._flags = flags
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Served:
        command = [sys.executable, "-m", "tsnb", "serve", "--model-store", "store", "--port", "0", "--ncs"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--enable-model-api", *self._flags],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={key: value for key, value in os.environ.items() if not key.startswith(("TSNB_", "TS_"))},
            )
        try:
            self.url = self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> str:
        assert self._process is not None
        end = time.monotonic() + START_TIMEOUT
        while "Model server started." not in self._log.read_text():
            try:
                self._process.wait(timeout=0.05)  # its early end, or a moment until the next look
            except subprocess.TimeoutExpired:
                if time.monotonic() < end:
                    continue
            raise AssertionError(f"tsnb serve did not start:\n{self._log.read_text()}")
        lines = self._log.read_text().splitlines()
        return next(line.rsplit(" ", 1)[1] for line in lines if line.startswith("Inference address"))
