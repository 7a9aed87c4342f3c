"""The archive of a task, as tsnb and TorchServe take it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

TASKS = Path(__file__).parent / "tasks"


def write(store: Path, task: str) -> Path:
    """``<store>/<task>.mar`` with the handler and the task's code."""
    model = {"modelName": task, "handler": "handler.py", "modelVersion": "1.0"}
    manifest = {"createdOn": "", "runtime": "python", "model": model, "archiverVersion": "0.12.0"}
    store.mkdir(exist_ok=True)
    path = store / f"{task}.mar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
        archive.writestr("task.txt", task)
        archive.write(TASKS / "handler.py", "handler.py")
        archive.write(TASKS / "bench_task.py", "bench_task.py")
    return path


def properties(task: str, batch: int, delay: int, ports: list[int], workers: int = 1, **more: str | int) -> str:
    """A ``config.properties`` that serves the archive; ports: inference, management, metrics, gRPC."""
    said = {
        "marName": f"{task}.mar",
        "minWorkers": workers,
        "maxWorkers": workers,
        "batchSize": batch,
        "maxBatchDelay": delay,
    }
    models = {task: {"1.0": {"defaultVersion": True, "responseTimeout": 120, **said}}}
    names = ("inference_address", "management_address", "metrics_address")
    values: dict[str, object] = dict(zip(names, (f"http://127.0.0.1:{port}" for port in ports), strict=False))
    values |= {"grpc_inference_port": ports[3], "grpc_management_port": ports[4]}
    values |= {"default_workers_per_model": workers, "models": json.dumps(models), **more}
    return "".join(f"{name}={value}\n" for name, value in values.items())
