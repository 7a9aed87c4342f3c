"""A freshly forked process becomes a worker: its own session, streams, environment and random numbers."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import sys
import tempfile
import time

import numpy as np
import torch

from tsnb.protocol import Fork

DEFAULT_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


def take_seat(order: Fork, frames: int, stdout: int, stderr: int) -> int:
    """Leave everything of the nursery behind; the descriptor of the frame socket."""
    os.setsid()
    for number in DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL if number != signal.SIGPIPE else signal.SIG_IGN)
    frames = _take_descriptors(frames, stdout, stderr)
    _take_environment(order.env)
    os.chdir(order.cwd)
    _reseed()
    return frames


def _take_descriptors(frames: int, stdout: int, stderr: int) -> int:
    """Descriptors 0, 1, 2 are /dev/null and the two pipes, 3 is the frame socket; all others are closed."""
    null = os.open(os.devnull, os.O_RDONLY)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 4) for fd in (null, stdout, stderr, frames)]
    for target, fd in enumerate(high):
        os.dup2(fd, target, inheritable=target < 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    return 3


def _take_environment(env: dict[str, str]) -> None:
    """``env`` is all there is. What the interpreter read from the old one at its start is brought up to date."""
    os.environ.clear()
    os.environ.update(env)
    for entry in reversed([part for part in env.get("PYTHONPATH", "").split(os.pathsep) if part]):
        if entry not in sys.path:
            sys.path.insert(0, entry)
    time.tzset()
    tempfile.tempdir = None
    threads = env.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads):
        torch.set_num_threads(int(threads))


def _reseed() -> None:
    """Forked twins must not draw the same numbers."""
    random.seed()
    np.random.seed()
    torch.default_generator.seed()
