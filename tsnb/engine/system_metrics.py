"""CPU, memory, disk and GPUs, measured every ``metric_time_interval`` seconds in a thread (spec 3.4).

``system_metrics_cmd`` replaces the measuring: a command that prints metrics as
lines of :mod:`tsnb.engine.metric_lines`. As in TorchServe a Python script is
run by this Python, and reads the process ids of the workers, with commas
between them, from its standard input. It may import ``ts``, and be one of
TorchServe's own by its path there, ``ts/metrics/metric_collector.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

import tsnb
from tsnb.config import Config
from tsnb.engine import placement
from tsnb.engine.metric_lines import Reading, parse

log = logging.getLogger("tsnb.metrics")

FIRST_LOOK = 0.2
"""Seconds over which the load of the CPUs is measured the first time; later it is that since the last time."""
PATIENCE = 30.0
"""Seconds that ``system_metrics_cmd`` may take."""
MOST_OUTPUT = 2**20
"""Bytes of its output that are read."""

COMPAT = Path(tsnb.__file__).parent / "compat"
"""Where ``ts`` is."""

_HOST = (("Level", "Host"),)
_MEMORY = re.compile(r"\d+:\d+")
"""A process and its bytes of memory."""


class SystemMetrics:
    """Measures the machine for as long as :meth:`run` runs; ``report`` is called on the event loop."""

    def __init__(self, config: Config, report: Callable[[list[Reading]], None], pids: Callable[[], list[int]]) -> None:
        self._config = config
        self._report = report
        self._pids = pids
        self._cpu = (0.0, 0.0)

    async def run(self) -> None:
        """Measure, again and again, until cancelled."""
        while True:
            began = time.monotonic()
            try:
                self._report(await self._measure())
            except (TimeoutError, OSError, psutil.Error) as error:
                log.error("the machine could not be measured: %s", str(error) or type(error).__name__)
            await asyncio.sleep(max(0.0, self._config.metric_time_interval - (time.monotonic() - began)))

    async def _measure(self) -> list[Reading]:
        command = self._config.system_metrics_cmd.split()
        if command:
            return readings(await _output_of(command, self._pids()))
        return await asyncio.to_thread(self._look)

    def _look(self) -> list[Reading]:
        if not any(self._cpu):
            self._cpu = _cpu_times()
            time.sleep(FIRST_LOOK)
        return [*self._look_at_host(), *look_at_gpus(placement.devices(self._config.number_of_gpu))]

    def _look_at_host(self) -> list[Reading]:
        busy, total = _cpu_times()
        spent = total - self._cpu[1]
        load = 100 * (busy - self._cpu[0]) / spent if spent > 0 else 0.0
        self._cpu = (busy, total)
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(os.sep)
        return [
            Reading("CPUUtilization", "Percent", round(min(max(load, 0.0), 100.0), 1), _HOST),
            Reading("DiskAvailable", "Gigabytes", disk.free / 2**30, _HOST),
            Reading("DiskUsage", "Gigabytes", disk.used / 2**30, _HOST),
            Reading("DiskUtilization", "Percent", disk.percent, _HOST),
            Reading("MemoryAvailable", "Megabytes", memory.available / 2**20, _HOST),
            Reading("MemoryUsed", "Megabytes", memory.used / 2**20, _HOST),
            Reading("MemoryUtilization", "Percent", memory.percent, _HOST),
        ]


def look_at_gpus(devices: list[placement.Device]) -> list[Reading]:
    """Memory and load of each GPU."""
    found = []
    for device in devices:
        labels = (*_HOST, ("DeviceId", str(device.index)))
        share = 100 * device.memory_used / device.memory_total if device.memory_total else 0.0
        found += [
            Reading("GPUMemoryUtilization", "Percent", share, labels),
            Reading("GPUMemoryUsed", "Megabytes", device.memory_used / 2**20, labels),
            Reading("GPUUtilization", "Percent", float(device.utilization), labels),
        ]
    return found


def _cpu_times() -> tuple[float, float]:
    """Busy seconds of all CPUs together, and all seconds. (psutil's own percentages are kept per thread.)"""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts the time of guests among the user's as well.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - idle, total


def readings(text: str) -> list[Reading]:
    """The metrics among these lines; what is none is logged, but for the memory of workers, which is known."""
    found = []
    for line in text.splitlines():
        if not line.strip() or _MEMORY.fullmatch(line.strip()):
            continue
        try:
            found.append(parse(line.strip()))
        except ValueError as error:
            log.warning("system_metrics_cmd printed a line that is %s", error)
    return found


def _by_python(command: list[str]) -> list[str]:
    """A Python script is run by this Python; TorchServe looks for a relative one where its package ``ts`` is."""
    script = command[0]
    if not script.endswith(".py"):
        return command
    if not Path(script).exists() and not os.path.isabs(script) and (COMPAT / script).is_file():
        return [sys.executable, "-m", script.removesuffix(".py").replace("/", "."), *command[1:]]
    return [sys.executable, *command]


def _environment() -> dict[str, str]:
    """That of the server, in which a script can import ``ts``."""
    paths = filter(None, (os.environ.get("PYTHONPATH"), str(COMPAT)))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


async def _output_of(command: list[str], pids: list[int]) -> str:
    """What the command prints. Raises OSError, or TimeoutError when it takes too long."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *_by_python(command), stdin=pipe, stdout=pipe, stderr=pipe, limit=MOST_OUTPUT, env=_environment()
    )
    try:
        said = ",".join(map(str, pids)).encode() + b"\n"
        output, errors = await asyncio.wait_for(process.communicate(said), PATIENCE)
    except TimeoutError:
        raise OSError(f"system_metrics_cmd took more than {PATIENCE:g} s: {' '.join(command)}") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode or errors:
        words = errors.decode(errors="replace").strip().splitlines()[-3:]
        log.error("system_metrics_cmd (exit status %s): %s", process.returncode, " / ".join(words))
    return output[:MOST_OUTPUT].decode(errors="replace")
