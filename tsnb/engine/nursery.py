"""The server's side of the nursery: ask it to fork workers, hear how they end.

The nursery (``python -m tsnb.worker.nursery``) has imported torch already, so
a worker starts in hundredths of a second and shares the imported pages. If it
dies, workers it forked live on and the next order starts another nursery.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys

from tsnb import protocol
from tsnb.engine.processes import Ends, Order, Process
from tsnb.errors import WorkersFailed

log = logging.getLogger(__name__)

BIRTH_TIMEOUT = 120.0
"""Seconds the nursery may take to import torch, on a machine that is very busy."""

FORK_TIMEOUT = 30.0


def available() -> bool:
    """Forking a process that has imported torch is safe on Linux only."""
    return sys.platform == "linux"


class NurseryLost(WorkersFailed):
    """The nursery ended, or does not answer, while it was asked to fork."""


class Nursery:
    """A lazily started nursery process. All methods run on one event loop."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._born: asyncio.Future[int] | None = None
        self._forking: dict[str, tuple[Ends, asyncio.Future[Process]]] = {}
        self._children: dict[int, Process] = {}

    async def start(self) -> None:
        """Have a nursery that is ready to fork; returns at once when there is one."""
        if self._born is None:
            self._launch()
        assert self._born is not None  # noqa: S101
        await asyncio.wait_for(asyncio.shield(self._born), BIRTH_TIMEOUT)

    def _launch(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._popen = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "tsnb.worker.nursery", "--fd", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        ours.setblocking(False)
        self._control = ours
        self._born = loop.create_future()
        loop.add_reader(ours.fileno(), self._readable)

    async def fork(self, order: Order) -> Process:
        """A new worker for this order. Raises WorkersFailed when two nurseries in a row die over it."""
        try:
            return await self._fork(order)
        except NurseryLost:
            return await self._fork(order)

    async def _fork(self, order: Order) -> Process:
        await self.start()
        assert self._control is not None  # noqa: S101
        ends = Ends.make()
        future: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._forking[order.worker_id] = (ends, future)
        packet = protocol.encode_control(protocol.Fork(order.worker_id, order.env, order.cwd))
        try:
            await _send(self._control, packet, ends.for_worker)
            return await asyncio.wait_for(future, FORK_TIMEOUT)
        except (OSError, TimeoutError) as error:
            raise NurseryLost(f"The nursery did not fork worker {order.worker_id}: {error!r}") from error
        finally:
            if self._forking.pop(order.worker_id, None) is not None:
                ends.close()

    def _readable(self) -> None:
        assert self._control is not None  # noqa: S101
        try:
            packet = self._control.recv(protocol.MAX_CONTROL)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if packet:
            self._handle(protocol.decode_control(packet))
        else:
            self._lost()

    def _handle(self, message: protocol.Control) -> None:
        match message:
            case protocol.Born(pid) if self._born is not None and not self._born.done():
                self._born.set_result(pid)
            case protocol.Forked(worker_id, pid):
                self._adopt(worker_id, pid)
            case protocol.Exited(pid, code):
                child = self._children.pop(pid, None)
                if child is not None:
                    child.set_exit(code)

    def _adopt(self, worker_id: str, pid: int) -> None:
        waiting = self._forking.pop(worker_id, None)
        if waiting is None:
            return
        ends, future = waiting
        ends.close_theirs()
        process = Process(pid, ends, future.get_loop().create_future())
        self._children[pid] = process
        process.watch()
        if future.done():  # whoever asked has given up
            process.kill()
            ends.ours.close()
        else:
            future.set_result(process)

    def _lost(self) -> None:
        """The nursery is gone: orders under way fail, workers live on, the next order starts another."""
        log.warning("the nursery ended unexpectedly; workers go on, the next one starts a new nursery")
        self._forget()
        for _, future in self._forking.values():
            if not future.done():
                future.set_exception(NurseryLost("The nursery ended while it forked a worker."))

    def _forget(self) -> None:
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
        if self._born is not None and not self._born.done():
            self._born.set_exception(WorkersFailed("The nursery ended while it imported torch; see its output above."))
            self._born.exception()  # it is no news to the log where nobody waits for it any more
        if self._popen is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(timeout=0.5)
        self._control = self._born = self._popen = None
        self._children.clear()

    def close(self) -> None:
        """Let the nursery end, and with it every worker it forked that is still there."""
        popen = self._popen
        self._forget()
        if popen is not None and popen.poll() is None:
            popen.kill()
            popen.wait()


async def _send(control: socket.socket, packet: bytes, descriptors: list[int]) -> None:
    """Send one packet; wait for room where the socket is full of earlier orders."""
    for _ in range(1000):
        try:
            socket.send_fds(control, [packet], descriptors)
            return
        except BlockingIOError:
            await asyncio.sleep(0.005)
    raise OSError("the nursery takes no orders")
