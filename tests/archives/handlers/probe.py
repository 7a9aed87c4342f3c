"""Answers with what a worker sees of its process."""

import os
import random
import signal
import sys

import numpy
import torch


def handle(data, context):
    if data is None:
        return None
    facts = {
        "env": dict(os.environ),
        "cwd": os.getcwd(),
        "session": os.getsid(0) == os.getpid(),
        "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
        "sigterm": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "sigint": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "path": sys.path[:2],
        "random": [random.random(), float(numpy.random.rand()), float(torch.rand(1))],
        "threads": torch.get_num_threads(),
        "stdin": os.readlink("/proc/self/fd/0"),
    }
    return [facts] * len(data)
