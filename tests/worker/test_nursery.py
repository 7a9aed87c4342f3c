from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tsnb import protocol
from tsnb.protocol import Born, Exited, Fork, Forked, Kill, Load, Ready
from tsnb.worker.loader import COMPAT

from .peer import DEADLINE, HANDLERS, Server, alive, body, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the nursery is Linux only")


class Nursery:
    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(DEADLINE)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tsnb.worker.nursery", "--fd", str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        self.workers: list[Server] = []

    def receive(self) -> protocol.Control:
        return protocol.decode_control(self.control.recv(protocol.MAX_CONTROL))

    def fork(self, env: dict[str, str] | None = None, cwd: Path | None = None) -> tuple[int, Server]:
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE)
        log = self.tmp / f"worker{len(self.workers)}.log"
        order = Fork("w1", dict(os.environ) if env is None else env, str(cwd or self.tmp))
        with log.open("wb") as file, theirs:
            fds = [theirs.fileno(), file.fileno(), file.fileno()]
            socket.send_fds(self.control, [protocol.encode_control(order)], fds)
        forked = self.receive()
        assert isinstance(forked, Forked)
        self.workers.append(Server(ours, self.process, log))
        return forked.pid, self.workers[-1]

    def kill(self, pid: int, number: int) -> None:
        self.control.send(protocol.encode_control(Kill(pid, number)))

    def close(self) -> None:
        self.control.close()
        assert self.process.wait(DEADLINE) == 0
        for worker in self.workers:
            worker.sock.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    assert nursery.receive() == Born(nursery.process.pid)
    yield nursery
    nursery.close()


def test_a_forked_worker_answers_and_its_exit_is_reported(shared: Nursery) -> None:
    pid, worker = shared.fork()
    ready = worker.load(HANDLERS, "echo")
    assert ready.pid == pid
    assert worker.reply(b"hi").body == b"hi"
    protocol.write(worker.sock, protocol.Stop())
    assert shared.receive() == Exited(pid, 0)


def test_a_worker_sees_its_own_world_and_nothing_of_the_nursery(shared: Nursery) -> None:
    env = {"PATH": os.environ["PATH"], "MINE": "yes", "OMP_NUM_THREADS": "1", "PYTHONPATH": "/somewhere/else"}
    facts = []
    for _ in range(2):
        pid, worker = shared.fork(env, HANDLERS)
        assert isinstance(worker.load(HANDLERS, "probe"), Ready)
        facts.append(json.loads(worker.reply(b"").body))
        worker.sock.close()
        assert shared.receive() == Exited(pid, 0)
    one, two = facts
    assert one["env"] == env
    assert one["cwd"] == str(HANDLERS)
    assert one["session"]
    assert one["sigterm"]
    assert one["sigint"]
    assert one["fds"][:4] == [0, 1, 2, 3]
    assert len(one["fds"]) == 5, "0, 1, 2, the frame socket and the folder that listdir reads"
    assert one["stdin"] == os.devnull
    assert one["threads"] == 1
    assert one["path"] == [str(HANDLERS), COMPAT]
    assert all(a != b for a, b in zip(one["random"], two["random"], strict=True))


def test_prints_reach_the_workers_own_pipes_line_by_line(shared: Nursery, tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text("def handle(data, context):\n    print('here I am')\n    while data: pass\n")
    pid, worker = shared.fork()
    worker.load(tmp_path, "h")
    worker.send(body(b""))
    wait_until(lambda: worker.log.read_text().count("here I am\n") == 2, "the lines")
    shared.kill(pid, signal.SIGKILL)
    assert shared.receive() == Exited(pid, -signal.SIGKILL)


def test_a_worker_that_exits_by_itself_is_reported(shared: Nursery, tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text("import sys\ndef handle(data, context):\n    sys.exit(7)\n")
    pid, worker = shared.fork()
    protocol.write(worker.sock, Load("m", "1", str(tmp_path), "h", {}, {}, "w1"))
    assert shared.receive() == Exited(pid, 7)
    assert worker.process.poll() is None, "the nursery lives on"


def test_processes_that_a_worker_started_go_with_it(shared: Nursery, tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text(
        "import subprocess, sys\n"
        "def handle(data, context):\n"
        "    if data: return [str(subprocess.Popen(['sleep', '600']).pid)]\n"
    )
    pid, worker = shared.fork()
    worker.load(tmp_path, "h")
    child = int(worker.reply(b"").body)
    assert alive(child)
    worker.sock.close()
    assert shared.receive() == Exited(pid, 0)
    wait_until(lambda: not alive(child), "the worker's own child to be gone")


def test_packets_without_sense_are_survived(shared: Nursery) -> None:
    ours, theirs = socket.socketpair()
    fork = protocol.encode_control(Fork("w", {}, "/"))
    shared.control.send(b"\xff\xff no message")
    shared.control.send(fork)
    socket.send_fds(shared.control, [fork], [theirs.fileno()])
    socket.send_fds(shared.control, [b"?"], [theirs.fileno()])
    shared.kill(1, signal.SIGKILL)
    shared.kill(os.getpid(), signal.SIGKILL)
    theirs.close()
    with ours:
        assert ours.recv(1) == b"", "the descriptors of refused packets are closed"
    pid, worker = shared.fork()
    worker.sock.close()
    assert shared.receive() == Exited(pid, 0)


def test_a_folder_that_is_not_there_ends_the_worker_only(shared: Nursery, tmp_path: Path) -> None:
    pid, worker = shared.fork(cwd=tmp_path / "absent")
    assert shared.receive() == Exited(pid, 1)
    assert "No such file or directory" in worker.log.read_text()


def test_when_the_server_is_gone_so_are_the_nursery_and_its_busy_workers(tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text("def handle(data, context):\n    while data: pass\n")
    nursery = Nursery(tmp_path)
    nursery.receive()
    pid, worker = nursery.fork()
    worker.load(tmp_path, "h")
    worker.send(body(b""))
    nursery.control.close()
    assert nursery.process.wait(DEADLINE) == 0
    wait_until(lambda: not alive(pid), "the worker to be gone")
    worker.sock.close()


def test_a_killed_nursery_costs_no_worker(tmp_path: Path) -> None:
    nursery = Nursery(tmp_path)
    nursery.receive()
    pid, worker = nursery.fork()
    worker.load(HANDLERS, "echo")
    nursery.process.kill()
    nursery.process.wait(DEADLINE)
    assert worker.reply(b"still here").body == b"still here"
    nursery.control.close()
    worker.sock.close()
    wait_until(lambda: not alive(pid), "the worker to be gone")


SERVER = """
import os, socket, subprocess, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.worker.peer import Server, body
from tests.worker.test_nursery import Nursery
folder = Path({folder!r})
ours, theirs = socket.socketpair()
fd = theirs.fileno()
fresh = subprocess.Popen([sys.executable, "-m", "tsnb.worker", "--fd", str(fd)], pass_fds=[fd])
theirs.close()
log = folder / "log"
one = Server(ours, fresh, log)
nursery = Nursery(folder)
nursery.receive()
pid, two = nursery.fork()
for worker in (one, two):
    worker.load(folder, "h")
    worker.send(body(b""))
print(fresh.pid, pid, nursery.process.pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_server_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text("def handle(data, context):\n    while data: pass\n")
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", SERVER.format(root=root, folder=str(tmp_path))]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    pids = [int(pid) for pid in server.stdout.readline().split()]
    assert len(pids) == 3
    assert all(map(alive, pids))
    server.kill()
    server.wait(DEADLINE)
    wait_until(lambda: not any(map(alive, pids)), f"{pids} to be gone")
    server.stdin.close()
    server.stdout.close()


MODEL = """
import torch
from ts.torch_handler.base_handler import BaseHandler

class Product(BaseHandler):
    def initialize(self, context):
        self.weights = torch.ones(1500, 1500)
        self.device = torch.device("cpu")

    def preprocess(self, data):
        return torch.full((1500, 1500), float(data[0]["body"]))

    def inference(self, data):
        return (data @ self.weights).sigmoid().sum()

    def postprocess(self, data):
        return [float(data)]
"""


def test_forked_workers_compute_on_many_threads(shared: Nursery, tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text(MODEL)
    forked = [shared.fork() for _ in range(3)]
    for _, worker in forked:
        assert isinstance(worker.load(tmp_path, "h"), Ready)
        worker.send(body(b"0", "text/plain"))
    for _, worker in forked:
        message, bodies = worker.receive()
        assert bytes(bodies) == b"1125000.0", message
        worker.sock.close()
    assert {shared.receive() for _ in forked} == {Exited(pid, 0) for pid, _ in forked}
