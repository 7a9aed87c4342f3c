"""Memory of processes (spec 3.4): what scripts for ``system_metrics_cmd`` call. A server of tsnb needs it not."""

from __future__ import annotations

import logging
from typing import TextIO

import psutil


def get_cpu_usage(pid: str | int) -> int:
    """Resident memory of a process in bytes (its old name stays); 0, and an error in the log, where there is none."""
    try:
        return int(psutil.Process(int(pid)).memory_info().rss)
    except (psutil.Error, ValueError) as error:
        logging.error("The memory of process %s cannot be read: %s", pid, error)
        return 0


def check_process_mem_usage(stdin: TextIO) -> None:
    """Log ``pid:bytes`` for each of the process ids, with commas between them, on the next line."""
    for pid in filter(None, stdin.readline().strip().split(",")):
        logging.info("%s:%d", pid, get_cpu_usage(pid))
