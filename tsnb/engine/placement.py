"""Which device a new worker gets. :func:`assign` is pure; :func:`devices` asks the machine, without torch."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Mapping

from msgspec import Struct

QUERY = "index,name,memory.total,memory.used,utilization.gpu"


class Device(Struct, frozen=True):
    """A GPU: its index among the visible ones, its name, its memory in bytes, its load in percent."""

    index: int
    name: str
    memory_total: int = 0
    memory_used: int = 0
    utilization: int = 0


def assign(gpus: int, device_type: str, device_ids: tuple[int, ...], counter: int) -> int | None:
    """The GPU of the ``counter``-th worker (from 0), round robin; None for a worker on the CPU.

    ``device_type`` is ``"cpu"``, ``"gpu"`` or ``""`` (GPU if there is one).
    Invalid ``device_ids`` make the whole list be ignored, and ``gpu`` without
    GPUs means CPU (spec 5.6, 7.3).
    """
    if gpus == 0 or device_type == "cpu":
        return None
    if device_ids and all(0 <= device < gpus for device in device_ids):
        return device_ids[counter % len(device_ids)]
    return counter % gpus


def visible(found: list[Device], environ: Mapping[str, str]) -> list[Device]:
    """The devices that a worker with this environment can use, renumbered as torch numbers them."""
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return found
    chosen = []
    for word in wanted.split(","):
        if not word.strip().isdigit() or int(word) >= len(found):
            break
        chosen.append(found[int(word)])
    return [
        Device(index, device.name, device.memory_total, device.memory_used, device.utilization)
        for index, device in enumerate(chosen)
    ]


def devices(limit: int = -1, environ: Mapping[str, str] = os.environ) -> list[Device]:
    """The GPUs of this machine that workers may use, at most ``limit`` of them (-1: all).

    Asks NVML, then ``nvidia-smi``. Blocking: call it in a thread.
    """
    found = _from_nvml()
    if found is None:
        found = _from_nvidia_smi()
    usable = visible(found, environ)
    return usable if limit < 0 else usable[:limit]


def _from_nvml() -> list[Device] | None:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        return None
    try:
        return [_nvml_device(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _nvml_device(nvml: object, index: int) -> Device:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)  # type: ignore[attr-defined]
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)  # type: ignore[attr-defined]
    load = nvml.nvmlDeviceGetUtilizationRates(handle)  # type: ignore[attr-defined]
    name = nvml.nvmlDeviceGetName(handle)  # type: ignore[attr-defined]
    return Device(index, name if isinstance(name, str) else name.decode(), memory.total, memory.used, load.gpu)


def _from_nvidia_smi() -> list[Device]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return []
    return parse_nvidia_smi(answer.stdout)


def parse_nvidia_smi(text: str) -> list[Device]:
    """The devices in the CSV that ``nvidia-smi`` prints for :data:`QUERY`; lines it could not fill are skipped."""
    found = []
    for row in csv.reader(io.StringIO(text), skipinitialspace=True):
        try:
            index, name, total, used, load = row
            found.append(Device(int(index), name, int(total) * 2**20, int(used) * 2**20, int(load)))
        except ValueError:
            continue
    return found
