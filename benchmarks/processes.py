"""A server's processes: how much memory and processor they take, to hold them still, and to end them by pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator

import psutil

MEGABYTE = 1 << 20
GONE = (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ProcessLookupError)


class Family:
    """A process and all its descendants."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._seen: dict[int, psutil.Process] = {}

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def status(self) -> int | None:
        """The first process's exit status, None while it runs."""
        return self._process.poll()

    def members(self) -> list[psutil.Process]:
        """Those alive, the oldest first. Remembers them, so that orphans can be ended too."""
        with contextlib.suppress(*GONE):
            parent = psutil.Process(self.pid)
            for each in [parent, *parent.children(recursive=True)]:
                self._seen.setdefault(each.pid, each)
        return [each for each in self._seen.values() if each.is_running()]

    def cpu_seconds(self) -> dict[int, float]:
        """User and system time of each member."""
        found = {}
        for each in self.members():
            with contextlib.suppress(*GONE):
                times = each.cpu_times()
                found[each.pid] = times.user + times.system
        return found

    def pss(self) -> float:
        """Proportional memory of all members in MB: what is shared counts once."""
        return sum(pss(each.pid) for each in self.members())

    def pause(self) -> None:
        """Hold every member still."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on, children first."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        members = self.members()
        for each in members if number == signal.SIGSTOP else reversed(members):
            with contextlib.suppress(*GONE):
                os.kill(each.pid, number)

    def prioritise(self, nice: int) -> None:
        """Let them run before other work on the machine (below 0: root only)."""
        for each in self.members():
            prioritise(each.pid, nice)

    def stop(self, patience: float = 4.0) -> None:
        """Ask the first to end; kill whoever is left after ``patience`` seconds."""
        self.resume()
        members = self.members()
        with contextlib.suppress(*GONE):
            self._process.terminate()
        psutil.wait_procs(members, timeout=patience)
        for each in self.members():
            with contextlib.suppress(*GONE):
                each.kill()
        self._process.wait()


def prioritise(pid: int, nice: int) -> None:
    """A process's priority, and where the kernel groups by session (autogroup) its session's."""
    with contextlib.suppress(*GONE):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    with contextlib.suppress(*GONE), open(f"/proc/{pid}/autogroup", "w") as file:
        file.write(str(nice))


def pss(pid: int) -> float:
    """Proportional memory of one process in MB; 0 when it is gone."""
    with contextlib.suppress(*GONE), open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / MEGABYTE
    return 0.0


def spent(before: dict[int, float], after: dict[int, float]) -> float:
    """Processor seconds between two readings."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


@contextlib.contextmanager
def running(family: Family) -> Iterator[Family]:
    """Resumed inside, held still outside."""
    family.resume()
    try:
        yield family
    finally:
        family.pause()
