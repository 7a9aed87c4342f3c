"""A worker of several processes, which torchrun starts: one for each device of a model that is spread over them.

The server makes a socket for each rank in a folder that nobody else can read,
starts torchrun, and waits until every rank has connected (spec 7.1, 7.3).
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tsnb.engine.processes import Order, Process, spawn
from tsnb.errors import WorkersFailed
from tsnb.messages import Parallelism

OPTIONS = ("nnodes", "node-rank", "rdzv-backend", "rdzv-endpoint", "rdzv-conf", "rdzv-id", "monitor-interval")
"""Options of torchrun that model-config.yaml may set."""


def command(parallelism: Parallelism, worker_id: str, folder: Path) -> tuple[str, ...]:
    """What follows ``python``: torchrun with its options, then a worker for each rank."""
    defaults = {"nnodes": 1, "rdzv-backend": "c10d", "rdzv-endpoint": "localhost:0", "rdzv-id": f"tsnb-{worker_id}"}
    options = defaults | {name: value for name, value in parallelism.torchrun.items() if name in OPTIONS}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return (
        *("-P", "-m", "torch.distributed.run", *flags),
        *(f"--nproc-per-node={parallelism.level}", "--max-restarts=0"),
        *("-m", "tsnb.worker", "--ranks", str(folder)),
    )


def environment(parallelism: Parallelism) -> dict[str, str]:
    """What every rank finds in its environment beside what any worker has."""
    return {"OMP_NUM_THREADS": str(parallelism.torchrun.get("OMP_NUMBER_THREADS", 1)), "LOGLEVEL": "INFO"}


class Ranks:
    """The doors through which the processes of one worker come. Each is used once."""

    def __init__(self, folder: Path, listeners: Sequence[socket.socket]) -> None:
        self._folder = folder
        self._listeners = listeners

    async def accept(self, process: Process, timeout: float) -> list[socket.socket]:
        """The connections to all ranks. Raises WorkersFailed when they do not come within ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        coming = [asyncio.ensure_future(loop.sock_accept(listener)) for listener in self._listeners]
        everybody = asyncio.gather(*coming)
        ends: list[asyncio.Future[Any]] = [everybody, process.exited]
        try:
            await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if everybody.done():
                return [connection for connection, _ in everybody.result()]
            came = [each.result()[0] for each in coming if each.done()]
            for connection in came:
                connection.close()
            raise WorkersFailed(_why(len(came), len(coming), process, timeout))
        finally:
            everybody.cancel()
            self.close()

    def close(self) -> None:
        """Nobody may come any more."""
        for listener in self._listeners:
            listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _why(came: int, awaited: int, process: Process, timeout: float) -> str:
    ended = process.exited.done()
    what = f"torchrun ended with code {process.exited.result()}" if ended else f"{timeout:g} s had passed"
    return (
        f"{what} when {came} of {awaited} processes had begun: see what it printed. Its options stand under "
        "torchrun in model-config.yaml, the time it may take is startupTimeout."
    )


def start(order: Order, parallelism: Parallelism) -> Process:
    """Start torchrun; the process, whose ``ranks`` will come."""
    folder = Path(tempfile.mkdtemp(prefix="tsnb-ranks-"))
    ranks = Ranks(folder, [_listen(folder / str(rank)) for rank in range(parallelism.level)])
    try:
        arguments = command(parallelism, order.worker_id, folder)
        process = spawn(msgspec.structs.replace(order, env=order.env | environment(parallelism), arguments=arguments))
    except BaseException:
        ranks.close()
        raise
    process.ranks = ranks
    return process


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    listener.setblocking(False)
    return listener
