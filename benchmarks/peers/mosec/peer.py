"""Mosec: a Rust front, Python workers over unix sockets."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.base import AppPeer
from benchmarks.server import Launch, free_port


class Mosec(AppPeer):
    """One worker; its own JSON decoding."""

    name = "mosec"
    title = "Mosec"
    packages = ("mosec",)
    setting = "1 worker, `max_wait_time` as the batch delay, log level error"

    def launch(self, task: str, batch: int, delay: int, folder: Path, workers: int = 1) -> Launch:
        port = free_port()
        server = ["--address", "127.0.0.1", "--port", port, "--log-level", "error", "--timeout", 60_000]
        command = self.app(*server, "--path", folder / "sockets")
        environ = {"BENCH_TASK": task, "BENCH_BATCH": str(batch), "BENCH_DELAY": str(delay)}
        environ["BENCH_WORKERS"] = str(workers)
        return Launch(command, f"http://127.0.0.1:{port}/inference", environ)
