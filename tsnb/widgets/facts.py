"""What a server knows about its models, as plain data for a page: numbers formatted, states named once."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tsnb import html
from tsnb.client import Address
from tsnb.client.load.result import rate_text
from tsnb.messages import ModelStatus, Recent, Recorded, WorkerStatus
from tsnb.widgets.charts import sparkline

Facts: TypeAlias = dict[str, Any]
"""JSON-like data, synchronised with the views of a widget."""

STATES: dict[str, tuple[str, html.Tone]] = {
    "ready": ("ready", "good"),
    "starting": ("starting", "busy"),
    "stopping": ("stopping", "busy"),
    "degraded": ("degraded", "busy"),
    "failed": ("failed", "bad"),
    "idle": ("no workers", "quiet"),
}
"""State → the word shown, and its tone."""

MEMORY_NOTE = "Resident memory. Workers share pages, and each counts them, so the sum is an upper bound."
"""What a number of bytes beside a worker or a model means."""

MOMENT, MOMENTS = 2.0, 60
"""Seconds of one moment of ModelStatus.recent, and how many a line shows."""

FAILURES_SHOWN = 5

_WORKER_TONES: dict[str, html.Tone] = {
    "starting": "busy",
    "loading": "busy",
    "ready": "good",
    "stopped": "quiet",
    "failed": "bad",
}


def model_facts(statuses: Sequence[ModelStatus], address: Address) -> Facts:
    """One model: its URL, and every version, the newest first."""
    name = statuses[0].spec.name
    versions = [version_facts(status, address) for status in sorted(statuses, key=_order, reverse=True)]
    return {"name": name, "url": address.prediction(name), "versions": versions}


def fleet_facts(statuses: Sequence[ModelStatus], address: Address) -> Facts:
    """All models by name, and what they take together."""
    names = sorted({status.spec.name for status in statuses})
    models = [model_facts([each for each in statuses if each.spec.name == name], address) for name in names]
    workers = [worker for status in statuses for worker in status.workers]
    return {
        "models": models,
        "ready": sum(worker.state == "ready" for worker in workers),
        "memory": _together([worker.memory for worker in workers]),
        "memory_note": MEMORY_NOTE,
        "server": address.inference,
    }


def version_facts(status: ModelStatus, address: Address) -> Facts:
    """One version: state, workers, queue, requests."""
    spec = status.spec
    ready = sum(worker.state == "ready" for worker in status.workers)
    state, tone = STATES[state_of(status)]
    return {
        "version": spec.version,
        "default": status.default,
        "state": state,
        "tone": tone,
        "failure": next((_failure(worker) for worker in status.workers if worker.failure), ""),
        "ready": ready,
        "total": len(status.workers),
        "wanted": spec.min_workers,
        "most": max(8, 2 * (os.cpu_count() or 1), spec.min_workers),
        "queued": status.queued,
        "requests": status.requests,
        "errors": status.errors,
        "latency": str(html.seconds_text(status.latency)) if status.requests else "",
        "build": spec.build,
        "archive": spec.url,
        **_lately(status.recent),
        "memory": _together([worker.memory + worker.gpu_memory for worker in status.workers]),
        "memory_note": MEMORY_NOTE,
        "batch_size": spec.batch_size,
        "url": address.prediction(spec.name, spec.version),
        "workers": [_worker_facts(worker) for worker in status.workers],
    }


def _lately(recent: Sequence[Recent]) -> Facts:
    """Two small lines, throughput and latency over the last two minutes, and what they end with."""
    end = max([time.time(), *(moment.time for moment in recent)]) // MOMENT
    at = {int(moment.time // MOMENT): moment for moment in recent}
    row = [at.get(int(end) - back) for back in range(MOMENTS - 1, -1, -1)]
    rates = [moment.requests / MOMENT if moment else 0.0 for moment in row]
    latencies = [moment.seconds / moment.requests if moment else None for moment in row]
    whole = sum(moment.requests for moment in recent)
    if not whole:
        return {"rate": "", "spark_rate": None, "spark_latency": None}
    mean = html.seconds_text(sum(moment.seconds for moment in recent) / whole)
    longest = html.seconds_text(max(moment.longest for moment in recent))
    most = f"{rate_text(max(rates))} requests per second at most in the last two minutes"
    return {
        "rate": f"{rate_text(max(rates[-3:]))}/s",
        "spark_rate": sparkline(rates, most),
        "spark_latency": sparkline(latencies, f"mean latency {mean}, longest {longest} in the last two minutes"),
    }


def failure_facts(recorded: Sequence[Recorded]) -> list[Facts]:
    """The latest failures, the newest first."""
    failed = [each for each in recorded if each.failure is not None][-FAILURES_SHOWN:]
    return [
        {
            "id": each.request.id,
            "time": time.strftime("%H:%M:%S", time.localtime(each.time)),
            "words": f"{each.failure.type} in {each.failure.stage}: {each.failure.message}" if each.failure else "",
            "version": each.version,
            "trial": each.trial,
        }
        for each in reversed(failed)
    ]


def machine_facts(server: Mapping[str, Any]) -> list[Facts]:
    """Main memory and GPUs as bars: name, share from 0 to 1 (of 50 steps, so that small changes are none), words."""
    memory = server.get("memory") or {"total": 0, "available": 0}
    used = memory["total"] - memory["available"]
    bars = [_bar("Memory", used, memory["total"])] if memory["total"] else []
    for device in server.get("devices", ()):
        load = f", {device['utilization']} % busy" if device["utilization"] else ""
        bars.append(_bar(f"GPU {device['index']}", device["memory_used"], device["memory_total"], load, device["name"]))
    return bars


def _bar(name: str, used: int, total: int, more: str = "", title: str = "") -> Facts:
    share = round(used / total * 50) / 50 if total else 0.0
    return {"name": name, "share": share, "words": f"{share:.0%} of {html.bytes_text(total)}{more}", "title": title}


def state_of(status: ModelStatus) -> str:
    """One word for a version, a key of :data:`STATES`."""
    states = [worker.state for worker in status.workers]
    ready, wanted = states.count("ready"), status.spec.min_workers
    if not wanted:
        return "stopping" if states else "idle"
    if ready > wanted:
        return "stopping"
    if ready == wanted:
        return "ready"
    if "failed" in states or any(worker.failure for worker in status.workers):
        return "degraded" if ready else "failed"
    return "starting"


def _worker_facts(worker: WorkerStatus) -> Facts:
    state = "failed" if worker.failure and worker.state != "ready" else worker.state
    return {
        "id": worker.id,
        "pid": worker.pid,
        "device": worker.device,
        "memory": _memory(worker),
        "state": state,
        "tone": _WORKER_TONES[state],
        "requests": worker.requests,
        "restarts": worker.restarts,
        "notes": [*worker.notes, *([_failure(worker)] if worker.failure else [])],
    }


def _together(sizes: Sequence[int]) -> str:
    """The sum, which is an upper bound where several workers take memory."""
    total = html.bytes_text(sum(sizes))
    return f"≤ {total}" if sum(size > 0 for size in sizes) > 1 else str(total)


def _memory(worker: WorkerStatus) -> str:
    own = html.bytes_text(worker.memory) if worker.memory else ""
    return f"{own} + {html.bytes_text(worker.gpu_memory)} GPU" if worker.gpu_memory else str(own)


def _failure(worker: WorkerStatus) -> str:
    failure = worker.failure
    return f"{failure.type} in {failure.stage}: {failure.message}" if failure else ""


def default_version(model: Facts) -> Facts:
    """The version that answers when none is named."""
    versions: list[Facts] = model["versions"]
    return next((each for each in versions if each["default"]), versions[0])


def _order(status: ModelStatus) -> list[tuple[int, str]]:
    """``1.10`` after ``1.9``, and words after numbers."""
    parts = re.split(r"[.-]", status.spec.version)
    return [(int(part), "") if part.isdigit() else (1 << 60, part) for part in parts]
