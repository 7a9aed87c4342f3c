from __future__ import annotations

from .conftest import HANDLERS, Server, body


def test_a_function_echoes(worker: Server) -> None:
    ready = worker.load(HANDLERS, "echo.py")
    assert ready.pid == worker.process.pid
    assert ready.device == "cpu"
    assert worker.reply(b"hello").body == b"hello"
