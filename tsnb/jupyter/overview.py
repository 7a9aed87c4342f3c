"""What the panel in JupyterLab shows of an engine, in one answer.

``labextension/src/wire.ts`` has the same structs as TypeScript: ``labextension/wire.py`` writes it, a test compares.
"""

from __future__ import annotations

from typing import Literal

import psutil
from msgspec import Struct

from tsnb import __version__
from tsnb.engine.api import Engine
from tsnb.engine.placement import Device
from tsnb.messages import Failure, ModelStatus, WorkerState, WorkerStatus


class Worker(Struct, frozen=True):
    """One worker. ``memory`` is resident bytes, ``started`` a Unix time, ``problem`` one line on its last failure."""

    id: str
    state: WorkerState
    pid: int
    device: str
    memory: int
    gpu_memory: int
    started: float
    requests: int
    restarts: int
    problem: str


class Version(Struct, frozen=True):
    """One version of a model. ``latency`` is the mean of the recent requests in seconds."""

    name: str
    version: str
    default: bool
    url: str
    handler: str
    build: int
    min_workers: int
    max_workers: int
    batch_size: int
    queued: int
    queue_size: int
    requests: int
    errors: int
    latency: float
    workers: tuple[Worker, ...]


class Crash(Struct, frozen=True):
    """A worker that ended or did not start. ``number`` counts them, so that each is reported once."""

    number: int
    time: float
    model: str
    version: str
    worker: str
    given_up: bool
    failure: Failure


class Totals(Struct, frozen=True):
    """Of all models: workers that answer, workers there should be, and requests that wait."""

    ready: int = 0
    workers: int = 0
    queued: int = 0


class Change(Struct, frozen=True):
    """The event that says so. ``figures`` means that only numbers moved; ``crash`` is given with its kind."""

    kind: Literal["models", "figures", "crash"]
    totals: Totals
    crash: Crash | None = None


class Overview(Struct, frozen=True):
    """Everything at once. ``running`` is false while no model was ever asked for: then nothing was started."""

    running: bool
    server: str
    memory_total: int
    devices: tuple[Device, ...] = ()
    models: tuple[Version, ...] = ()
    crashes: tuple[Crash, ...] = ()


def overview(engine: Engine | None, devices: tuple[Device, ...], crashes: tuple[Crash, ...]) -> Overview:
    """What there is to show now."""
    found = () if engine is None else tuple(version(each) for each in statuses(engine))
    return Overview(engine is not None, __version__, psutil.virtual_memory().total, devices, found, crashes)


def statuses(engine: Engine) -> list[ModelStatus]:
    """Every version of every model."""
    return [status for name in engine.models() for status in engine.describe(name, "all")]


def version(status: ModelStatus) -> Version:
    """One version as the panel has it."""
    spec = status.spec
    return Version(
        name=spec.name,
        version=spec.version,
        default=status.default,
        url=spec.url,
        handler=spec.handler,
        build=spec.build,
        min_workers=spec.min_workers,
        max_workers=spec.max_workers,
        batch_size=spec.batch_size,
        queued=status.queued,
        queue_size=spec.job_queue_size,
        requests=status.requests,
        errors=status.errors,
        latency=status.latency,
        workers=tuple(worker(each) for each in status.workers),
    )


def worker(status: WorkerStatus) -> Worker:
    """One worker as the panel has it."""
    return Worker(
        id=status.id,
        state=status.state,
        pid=status.pid,
        device=status.device,
        memory=status.memory,
        gpu_memory=status.gpu_memory,
        started=status.started,
        requests=status.requests,
        restarts=status.restarts,
        problem=status.failure.message.partition("\n")[0] if status.failure is not None else "",
    )


def totals(models: list[ModelStatus]) -> Totals:
    """The sums for the status bar."""
    workers = [each for status in models for each in status.workers]
    ready = sum(each.state == "ready" for each in workers)
    return Totals(ready, len(workers), sum(status.queued for status in models))
