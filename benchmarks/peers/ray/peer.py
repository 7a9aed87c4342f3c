"""Ray Serve on a local cluster of its own."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.base import AppPeer
from benchmarks.server import Launch, free_port


class RayServe(AppPeer):
    """One proxy, one replica, with the switch for throughput that its guide recommends."""

    name = "ray"
    title = "Ray Serve"
    packages = ("ray",)
    setting = "1 proxy, 1 replica, `RAY_SERVE_THROUGHPUT_OPTIMIZED=1`, `@serve.batch`, no dashboard, no access log"

    def launch(self, task: str, batch: int, delay: int, folder: Path, workers: int = 1) -> Launch:
        port = free_port()
        environ = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
        return Launch(self.app(task, batch, delay, port, str(folder), workers), f"http://127.0.0.1:{port}/", environ)
