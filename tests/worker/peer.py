"""A server's side of the socket, for tests that talk to a real worker process."""

from __future__ import annotations

import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsnb import protocol
from tsnb.messages import Parameter, Reply, Request
from tsnb.protocol import Failed, Load, Ready, Result

HANDLERS = Path(__file__).parent.parent / "archives" / "handlers"
DEADLINE = 60.0


class Server:
    """The server's end of one worker: send orders, read answers, see what it wrote."""

    def __init__(self, sock: socket.socket, process: subprocess.Popen[bytes], log: Path) -> None:
        self.sock = sock
        self.source = protocol.Source(sock)
        self.process = process
        self.log = log
        self.number = 0

    def load(self, model_dir: Path, handler: str, **settings: Any) -> Ready | Failed:
        manifest = settings.pop("manifest", {"model": {"modelName": "m", "handler": handler}})
        config = settings.pop("model_config", {})
        order = Load("m", "1.0", str(model_dir), handler, manifest, config, "w1", **settings)
        protocol.write(self.sock, order)
        message, _ = self.receive()
        assert isinstance(message, (Ready, Failed))
        return message

    def send(self, *requests: Request) -> None:
        self.number += 1
        protocol.write(self.sock, *protocol.batch(self.number, requests))

    def receive(self) -> tuple[Any, Any]:
        received = self.source.read()
        assert received is not None, f"the worker is gone: {self.log.read_text()}"
        return received

    def ask(self, *requests: Request) -> tuple[Result, list[Reply]] | Failed:
        self.send(*requests)
        message, bodies = self.receive()
        assert message.number == self.number
        if isinstance(message, Failed):
            return message
        return message, protocol.replies(message, bodies)

    def reply(self, value: bytes, content_type: str = "") -> Reply:
        answered = self.ask(body(value, content_type))
        assert not isinstance(answered, Failed), answered
        return answered[1][0]

    def fails(self, *requests: Request) -> Failed:
        answered = self.ask(*requests or [body(b"x")])
        assert isinstance(answered, Failed), answered
        return answered


def body(value: bytes, content_type: str = "", id: str = "r1", **headers: str) -> Request:
    return Request(id, headers, (Parameter("body", value, content_type),))


def wait_until(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Poll a condition that no event announces; returns its first true value."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {deadline} s for {what}"
        with selectors.DefaultSelector() as selector:
            selector.select(0.01)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
