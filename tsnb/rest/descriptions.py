"""A model as ``GET /models/{model}`` shows it: TorchServe's keys in TorchServe's order (spec 2.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tsnb.engine.lifecycle import sequence_rules
from tsnb.messages import ModelSpec, ModelStatus, WorkerStatus


def description(status: ModelStatus) -> dict[str, Any]:
    """One version of a model."""
    spec = status.spec
    return {
        "modelName": spec.name,
        "modelVersion": spec.version,
        **({"modelUrl": spec.url} if spec.url else {}),
        "runtime": spec.runtime,
        "minWorkers": spec.min_workers,
        "maxWorkers": spec.max_workers,
        "batchSize": spec.batch_size,
        "maxBatchDelay": spec.max_batch_delay,
        "responseTimeout": _whole(spec.response_timeout),
        "startupTimeout": _whole(spec.startup_timeout),
        "maxRetryTimeoutInSec": _whole(spec.max_retry_timeout),
        "clientTimeoutInMills": spec.client_timeout,
        **_placement(status),
        **_features(spec),
        "loadedAtStartup": spec.loaded_at_startup,
        "workers": [_worker(worker) for worker in status.workers],
        "jobQueueStatus": {
            "remainingCapacity": max(0, spec.job_queue_size - status.queued),
            "pendingRequests": status.queued,
        },
    }


def _placement(status: ModelStatus) -> dict[str, Any]:
    spec = status.spec
    parallel = spec.parallelism
    on_gpu = any(worker.device != "cpu" for worker in status.workers)
    found: dict[str, Any] = {
        "parallelType": parallel.kind if parallel else "",
        "parallelLevel": parallel.level if parallel else 0,
        "deviceType": spec.device_type or ("gpu" if on_gpu else "cpu"),
    }
    if spec.device_ids:
        found["deviceIds"] = list(spec.device_ids)
    return found


def _features(spec: ModelSpec) -> dict[str, Any]:
    """What model-config.yaml switches on. Numbers of sequences are shown also where they have no effect."""
    sequences = spec.sequencing or sequence_rules(spec.model_config)
    return {
        "continuousBatching": spec.continuous,
        "useJobTicket": spec.job_tickets,
        "useVenv": spec.use_venv,
        "stateful": spec.sequencing is not None,
        "sequenceMaxIdleMSec": sequences.max_idle if sequences else 0,
        "sequenceTimeoutMSec": sequences.timeout if sequences else 0,
        "maxNumSequence": sequences.max_open if sequences else 0,
        "maxSequenceJobQueueSize": sequences.queue_size if sequences else 0,
    }


def _worker(worker: WorkerStatus) -> dict[str, Any]:
    gpu = worker.device != "cpu"
    return {
        "id": worker.id,
        "startTime": _date(worker.started),
        "status": "READY" if worker.state == "ready" else "UNLOADING",
        "memoryUsage": worker.memory,
        "pid": worker.pid,
        "gpu": gpu,
        "gpuUsage": _gpu_usage(worker) if gpu else "N/A",
    }


def _gpu_usage(worker: WorkerStatus) -> str:
    """Only the memory of this worker is known; TorchServe shows the whole device's."""
    return f"gpuId::{worker.device.rpartition(':')[2]} memory.used::{worker.gpu_memory // 2**20} MiB"


def _date(seconds: float) -> str:
    """Local time with a literal Z (spec 0.4)."""
    return datetime.fromtimestamp(seconds).isoformat(timespec="milliseconds") + "Z"


def _whole(seconds: float) -> float:
    """A whole number without its decimal point."""
    return int(seconds) if seconds == int(seconds) else seconds
