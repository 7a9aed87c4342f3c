"""BentoML: uvicorn with adaptive batching."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers.base import Peer
from benchmarks.server import Launch, free_port


class BentoML(Peer):
    """One service process. Its batchable endpoints take and give lists."""

    name = "bentoml"
    title = "BentoML"
    packages = ("bentoml",)
    tasks = ("echo", "mlp", "cnn", "stream")
    setting = "1 worker, `batchable` with its adaptive wait, quiet"

    def launch(self, task: str, batch: int, delay: int, folder: Path, workers: int = 1) -> Launch:
        port = free_port()
        here = Path(__file__).parent
        command = [str(self.python()), "-m", "bentoml", "serve", "--working-dir", str(here), "-q", "--do-not-track"]
        command += ["--host", "127.0.0.1", "--port", str(port), "app:Predict"]
        environ = {"BENCH_TASK": task, "BENCH_BATCH": str(batch), "BENTOML_HOME": str(folder)}
        environ["BENCH_WORKERS"] = str(workers)
        return Launch(command, f"http://127.0.0.1:{port}/predict", environ)

    def body(self, task: str, value: Any, batch: int) -> bytes:
        return super().body(task, [value] if batch > 1 else value, batch)

    def answer(self, body: bytes, batch: int) -> Any:
        value = super().answer(body, batch)
        return value[0] if batch > 1 else value
