"""How a worker's process begins and ends, whichever way it was started."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1


def serve(fd: int) -> None:
    """Run the loop on the socket with this descriptor; never returns."""
    from tsnb.worker import loop

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then stops its workers
    code = 1
    try:
        code = loop.run(socket.socket(fileno=fd))
    except SystemExit as error:
        code = _exit_code(error)
    except BaseException:
        logging.getLogger(__name__).exception("the worker failed")
    finally:
        leave(code)


def _exit_code(error: SystemExit) -> int:
    """What Python would make of it: None is 0, a number itself, a text is printed and 1."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)  # noqa: T201
    return 1


def leave(code: int) -> None:
    """End now. The handler's threads and the interpreter's own clean-up are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code & 0xFF)


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent ends; leave at once if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def outlive_parent() -> None:
    """Take that back: from now on this process notices the end of its parent by itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)
