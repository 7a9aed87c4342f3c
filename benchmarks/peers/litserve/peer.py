"""LitServe: FastAPI in front of worker processes."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.base import AppPeer
from benchmarks.server import Launch, free_port


class LitServe(AppPeer):
    """One API server, one worker, the queue its guide calls fast."""

    name = "litserve"
    title = "LitServe"
    packages = ("litserve",)
    setting = "1 API server, 1 worker, `fast_queue=True`, `batch_timeout` as the batch delay, log level error"

    def launch(self, task: str, batch: int, delay: int, folder: Path, workers: int = 1) -> Launch:
        port = free_port()
        return Launch(self.app(task, batch, delay, port, workers), f"http://127.0.0.1:{port}/predict")
