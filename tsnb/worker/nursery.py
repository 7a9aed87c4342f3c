"""``python -m tsnb.worker.nursery --fd N``: has torch imported already, and forks workers in milliseconds.

It serves the control channel of :mod:`tsnb.protocol` (one packet, one
message) and never touches a GPU, which a forked process could not use after
that. When the server is gone it kills the workers it forked and leaves.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import importlib
import os
import select
import signal
import socket
import sys

import msgspec

from tsnb import protocol
from tsnb.protocol import Born, Control, Exited, Fork, Forked, Kill
from tsnb.worker.process import die_with_parent, leave, outlive_parent, serve
from tsnb.worker.seat import take_seat

IMPORTS = ("numpy", "PIL.Image", "torch", "tsnb.handlers.base", "tsnb.worker.loop")
"""What nearly every handler needs, imported once."""


class Nursery:
    """Forks workers on order, reaps them, and says so."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._wake, self._woken = socket.socketpair()

    def serve(self) -> int | None:
        """Work until the server is gone: None. In a forked worker: the descriptor of its frame socket."""
        self._notice_exits()
        self._send(Born(os.getpid()))
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == self._wake.fileno():
                    self._reap()
                    continue
                received = self._receive()
                if received is None:
                    return None
                frames = self._obey(*received)
                if frames is not None:
                    return frames

    def kill_all(self) -> None:
        """Kill every worker that is left, with all it started."""
        for pid in self._children:
            _signal_group(pid, signal.SIGKILL)

    def _notice_exits(self) -> None:
        for end in (self._wake, self._woken):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)

    def _receive(self) -> tuple[Control | None, list[int]] | None:
        """One packet; None at end-of-file, and no message where the packet makes no sense."""
        try:
            packet, fds, _, _ = socket.recv_fds(self._control, protocol.MAX_CONTROL, 8, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            return None
        if not packet and not fds:
            return None
        try:
            return protocol.decode_control(packet), fds
        except msgspec.MsgspecError as error:
            _say(f"a packet was no message: {error}")
            return None, fds

    def _obey(self, message: Control | None, fds: list[int]) -> int | None:
        """Do what a message says. Returns in a forked worker too: with its frame socket."""
        if isinstance(message, Fork) and len(fds) == 3:
            pid = _fork()
            if pid == 0:
                return self._become_worker(message, fds)
            if pid:
                self._children.add(pid)
                self._send(Forked(message.worker_id, pid))
        elif isinstance(message, Kill):
            if message.pid in self._children:
                _signal_group(message.pid, message.signal)
        elif message is not None:
            _say(f"cannot use {type(message).__name__} with {len(fds)} descriptors")
        for fd in fds:
            os.close(fd)
        return None

    def _become_worker(self, order: Fork, fds: list[int]) -> int:
        signal.set_wakeup_fd(-1)
        for end in (self._control, self._wake, self._woken):
            end.close()
        self._children.clear()
        return take_seat(order, *fds)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake.recv(4096):
                pass
        for pid in self._children.copy():
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _signal_group(pid, signal.SIGKILL)  # what it started goes with it; the id is ours until waitpid
            _, status = os.waitpid(pid, 0)
            self._children.discard(pid)
            self._send(Exited(pid, os.waitstatus_to_exitcode(status)))

    def _send(self, message: Control) -> None:
        with contextlib.suppress(ConnectionError):  # the server is gone: the next read says so
            self._control.send(protocol.encode_control(message))


def _fork() -> int | None:
    """As ``os.fork``; None where the system refuses, and the closed descriptors tell the server."""
    try:
        return os.fork()
    except OSError as error:
        _say(f"cannot fork: {error}")
        return None


def _say(text: str) -> None:
    print(f"nursery: {text}", file=sys.stderr, flush=True)  # noqa: T201


def _signal_group(pid: int, number: int) -> None:
    """Signal a worker and the processes it started; just after the fork it has no group of its own yet."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    except PermissionError:  # a member that changed its user
        os.kill(pid, number)


def main() -> None:
    """Import, then serve the control socket that was handed over under the descriptor ``--fd``."""
    parser = argparse.ArgumentParser(prog="python -m tsnb.worker.nursery", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the nursery's end of its control socket")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    die_with_parent(os.getppid())  # nobody is served by going on to import; it has no workers yet to look after
    for name in IMPORTS:
        importlib.import_module(name)
    outlive_parent()
    gc.collect()
    gc.freeze()
    nursery = Nursery(socket.socket(fileno=options.fd))
    frames = nursery.serve()
    if frames is None:
        nursery.kill_all()
        leave(0)
    else:
        serve(frames)


if __name__ == "__main__":
    main()
