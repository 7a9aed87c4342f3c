"""CPU, memory, disk and GPUs of this machine (spec 3.4): what scripts for ``system_metrics_cmd`` call.

Each function adds to ``system_metrics``; :func:`collect_all` calls all of a
module and logs the list. A server of tsnb measures by itself.
"""

from __future__ import annotations

import logging
from types import FunctionType, ModuleType

import psutil

from tsnb.handlers.metrics import Dimension
from tsnb.handlers.metrics_store import OldMetric as Metric

MOMENT = 0.1
"""Seconds over which the load of the CPUs is measured."""

system_metrics: list[Metric] = []
dimension = [Dimension("Level", "Host")]


def _add(name: str, value: float, unit: str, *more: Dimension) -> None:
    system_metrics.append(Metric(name, value, unit, [*dimension, *more]))


def cpu_utilization() -> None:
    """Mean load of all CPUs."""
    _add("CPUUtilization", psutil.cpu_percent(MOMENT), "percent")


def memory_used() -> None:
    """Memory in use."""
    _add("MemoryUsed", psutil.virtual_memory().used / 2**20, "MB")


def memory_available() -> None:
    """Memory that could be had."""
    _add("MemoryAvailable", psutil.virtual_memory().available / 2**20, "MB")


def memory_utilization() -> None:
    """Share of memory in use."""
    _add("MemoryUtilization", psutil.virtual_memory().percent, "percent")


def disk_used() -> None:
    """Space in use on the root file system."""
    _add("DiskUsage", psutil.disk_usage("/").used / 2**30, "GB")


def disk_utilization() -> None:
    """Share of it in use."""
    _add("DiskUtilization", psutil.disk_usage("/").percent, "percent")


def disk_available() -> None:
    """Space that is free there."""
    _add("DiskAvailable", psutil.disk_usage("/").free / 2**30, "GB")


def gpu_utilization(num_of_gpu: int | None) -> None:
    """Memory and load of each GPU; with 0 (or None) nothing. Needs the package nvidia-ml-py."""
    if not num_of_gpu or num_of_gpu < 0:
        return
    import pynvml

    pynvml.nvmlInit()
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            _add_gpu(pynvml, index)
    finally:
        pynvml.nvmlShutdown()


def _add_gpu(nvml: ModuleType, index: int) -> None:
    device = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(device)
    which = Dimension("device_id", index)
    _add("GPUMemoryUtilization", 100 * memory.used / memory.total, "percent", which)
    _add("GPUMemoryUsed", memory.used / 2**20, "MB", which)
    try:
        _add("GPUUtilization", nvml.nvmlDeviceGetUtilizationRates(device).gpu, "percent", which)
    except nvml.NVMLError_NotSupported:
        logging.error("GPU %d does not tell its load", index)


def collect_all(mod: ModuleType, num_of_gpu: int | None) -> None:
    """Call the functions of ``mod`` that measure, and log what was measured."""
    for name, found in sorted(vars(mod).items()):
        if not isinstance(found, FunctionType) or name.startswith("_") or name in ("collect_all", "log_msg"):
            continue
        found(*([num_of_gpu] if name == "gpu_utilization" else []))
    for metric in system_metrics:
        logging.info("%s", metric)
    logging.info("")
