"""Which device a new worker gets. :func:`assign` is pure; :func:`devices` asks the machine, without torch."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from tsnb.errors import TsnbError
from tsnb.messages import ModelSpec

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


def placed(spec: ModelSpec, gpus: int) -> ModelSpec:
    """The spec with the kind of device that its workers get, and the devices among which they choose."""
    on_gpu = assign(gpus, spec.device_type, spec.device_ids, 0) is not None
    known = spec.device_ids if on_gpu and all(0 <= device < gpus for device in spec.device_ids) else ()
    return msgspec.structs.replace(spec, device_type="gpu" if on_gpu else "cpu", device_ids=known)


def spread(gpus: int, device_type: str, device_ids: tuple[int, ...], level: int, counter: int) -> tuple[int, ...]:
    """The GPUs of the ``counter``-th worker of a model that is spread over ``level`` of them; none on the CPU."""
    return tuple(
        device
        for position in range(level)
        if (device := assign(gpus, device_type, device_ids, counter * level + position)) is not None
    )


def capacity(gpus: int, device_type: str, device_ids: tuple[int, ...], level: int) -> int | None:
    """How many workers with ``level`` GPUs each there can be; None on the CPU, which has room for any number."""
    if assign(gpus, device_type, device_ids, 0) is None:
        return None
    return len({assign(gpus, device_type, device_ids, counter) for counter in range(gpus + len(device_ids))}) // level


def room_for(spec: ModelSpec, gpus: int, least: int, most: int) -> tuple[int, int]:
    """How many workers can be had of ``least`` to ``most``. Raises TsnbError where there is not even room for one."""
    level = spec.parallelism.level if spec.parallelism else 0
    room = capacity(gpus, spec.device_type, spec.device_ids, level) if level else None
    if room is None:
        return least, most
    if room == 0 and least > 0:
        raise TsnbError(
            f'Model "{spec.name}" wants {level} GPUs for each worker (parallelLevel), and it may use '
            f"{min(gpus, len(spec.device_ids) or gpus)}. Lower the level, or start no workers here."
        )
    return min(least, room), min(most, room)


def variable(devices: tuple[int, ...], environ: Mapping[str, str]) -> str:
    """The ``CUDA_VISIBLE_DEVICES`` of a worker that may see these of the devices that this environment shows."""
    shown = [word.strip() for word in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if word.strip()]
    return ",".join(shown[device] if device < len(shown) else str(device) for device in devices)


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
