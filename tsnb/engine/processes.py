"""Worker processes: starting one afresh, watching it end, ending it.

A worker is reached through a socket pair made here, named by nobody, and two
pipes for what it prints. On Linux a pidfd watches and kills it, so a reused
process id can never be hit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from msgspec import Struct

from tsnb.messages import Parallelism

if TYPE_CHECKING:
    from tsnb.engine.torchrun import Ranks

SECRETS = ("TSNB_TOKEN", "JUPYTER_TOKEN", "JPY_API_TOKEN", "JUPYTERHUB_API_TOKEN")
"""Environment variables of the server that are no business of a handler."""


class Order(Struct, frozen=True):
    """What to start: a worker with this complete environment, in this folder; ``python`` "" means the server's own."""

    worker_id: str
    env: dict[str, str]
    cwd: str
    python: str = ""
    #: Whether that interpreter finds this very tsnb by itself.
    finds_tsnb: bool = False
    #: Set where it is several processes, which torchrun starts.
    parallelism: Parallelism | None = None
    #: What follows ``python``, where that is not a worker itself but starts some.
    arguments: tuple[str, ...] = ()


class Ends(Struct):
    """The server's and the worker's ends of everything between them."""

    ours: socket.socket
    theirs: socket.socket
    stdout: tuple[int, int]
    stderr: tuple[int, int]

    @classmethod
    def make(cls) -> Ends:
        """A new socket pair and two pipes, none of them inherited by accident."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        return cls(ours, theirs, os.pipe(), os.pipe())

    @property
    def for_worker(self) -> list[int]:
        """Descriptors in the order the worker side expects: frames, stdout, stderr."""
        return [self.theirs.fileno(), self.stdout[1], self.stderr[1]]

    def close_theirs(self) -> None:
        """Drop the worker's ends, which the worker has by now."""
        self.theirs.close()
        os.close(self.stdout[1])
        os.close(self.stderr[1])

    def close(self) -> None:
        """Drop everything: the worker was not started."""
        self.close_theirs()
        self.ours.close()
        os.close(self.stdout[0])
        os.close(self.stderr[0])


class Process:
    """A running worker. ``exited`` gets its exit code, None if nobody could tell."""

    def __init__(self, pid: int, ends: Ends, exited: asyncio.Future[int | None]) -> None:
        self.pid = pid
        self.ends = ends
        self.exited = exited
        #: The doors of its processes, if it is several.
        self.ranks: Ranks | None = None
        self._pidfd: int | None = None

    def watch(self, popen: subprocess.Popen[bytes] | None = None) -> None:
        """Notice the end of the process. With ``popen`` it is our child and its code is known."""
        loop = self.exited.get_loop()
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(ProcessLookupError):
                self._pidfd = os.pidfd_open(self.pid)
                loop.add_reader(self._pidfd, self._ended, popen)
                return
            self.set_exit(popen.poll() if popen else None)
        elif popen is not None:
            threading.Thread(target=self._wait, args=(popen, loop), daemon=True).start()

    def _wait(self, popen: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop) -> None:
        code = popen.wait()
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(self.set_exit, code)

    def _ended(self, popen: subprocess.Popen[bytes] | None) -> None:
        self._forget_pidfd()
        if popen is not None:
            self.set_exit(popen.wait())
        else:
            # The nursery reports the code of what it forked; if it cannot, the end itself must do.
            self.exited.get_loop().call_later(0.2, self.set_exit, None)

    def set_exit(self, code: int | None) -> None:
        """The process has ended with this code (negative: by that signal)."""
        self._forget_pidfd()
        if not self.exited.done():
            self.exited.set_result(code)

    def _forget_pidfd(self) -> None:
        if self._pidfd is not None:
            self.exited.get_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def kill(self) -> None:
        """End the process by force, if it still runs."""
        if self.exited.done():
            return
        with contextlib.suppress(ProcessLookupError, OSError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)


def worker_environment(environ: dict[str, str], blacklist: str, extra: dict[str, str]) -> dict[str, str]:
    """A worker's environment (spec 6.11): the server's, less secrets and ``blacklist_env_vars``, plus ``extra``."""
    hidden = re.compile(blacklist) if blacklist else None
    kept = {
        name: value
        for name, value in environ.items()
        if name not in SECRETS and not (hidden is not None and hidden.fullmatch(name)) and _is_unicode(name + value)
    }
    return kept | extra


def threads(cores: int, workers: int) -> int:
    """Threads for one of several workers: together they should not want more cores than there are.

    Torch's own default is all cores for each process, which makes two workers slower than one.
    """
    return max(1, cores // max(1, workers))


def usable_cores() -> int:
    """The cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_unicode(text: str) -> bool:
    """Whether a variable is text. Arbitrary bytes, which Python shows as surrogates, cannot travel to the nursery."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def spawn(order: Order) -> Process:
    """Start a worker in a fresh interpreter: about a second, mostly for importing torch."""
    loop = asyncio.get_running_loop()
    ends = Ends.make()
    frames, stdout, stderr = ends.for_worker
    arguments = order.arguments or ("-P", "-m", "tsnb.worker", "--fd", str(frames))
    command = [order.python or sys.executable, *arguments]
    try:
        popen = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=[frames],
            env=order.env if order.finds_tsnb else order.env | {"PYTHONPATH": _python_path(order.env)},
            cwd=order.cwd,
            start_new_session=True,
        )
    except OSError:
        ends.close()
        raise
    ends.close_theirs()
    process = Process(popen.pid, ends, loop.create_future())
    process.watch(popen)
    return process


def _python_path(env: dict[str, str]) -> str:
    """A model's own interpreter must find this very tsnb, wherever it is installed."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    inherited = env.get("PYTHONPATH")
    return package if not inherited else f"{inherited}{os.pathsep}{package}"
