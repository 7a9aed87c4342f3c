"""Through the notebook server: processor time per request beside an empty handler's, and kernels under load."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
import websocket

from benchmarks import archives
from benchmarks.book import Book
from benchmarks.load import wrk
from benchmarks.plan import Plan
from benchmarks.server import scratch
from tests.notebook_server import NotebookServer

ROW = "notebook"
BODY = b'{"x": 1}'
RATE = 1000
PATHS = {"empty handler": "bench-empty", "tsnb": "tsnb/predictions/echo"}
ROOT = Path(__file__).parent.parent.parent


def measure(book: Book, plan: Plan) -> None:
    """One notebook server with tsnb and the empty handler, alternating; then kernels with and without load."""
    os.environ["PYTHONPATH"] = str(ROOT)
    extensions = "--ServerApp.jpserver_extensions={'tsnb': True, 'benchmarks.rows.empty_extension': True}"
    with scratch() as folder:
        archives.write(folder / "model_store", "echo")
        with NotebookServer(folder, options=(extensions,)) as server:
            status, body = server.request("POST", "tsnb/models?url=echo.mar&initial_workers=1&batch_size=16")
            if status != 200:
                raise RuntimeError(f"the notebook server did not register the model: {status} {body!r}")
            for number in range(plan.rounds + 1):
                for subject, path in PATHS.items():
                    values = _cost(server, path, plan.seconds)
                    if number:  # the first one warms up
                        book.add(ROW, "CPU of the server", subject, **values)
            for _ in range(plan.rounds):
                book.add(ROW, "kernel 1+1, idle", "tsnb", **_kernel(server, plan.seconds, 0))
                book.add(ROW, f"kernel 1+1, {RATE:,} requests/s", "tsnb", **_kernel(server, plan.seconds, RATE))


def _cost(server: NotebookServer, path: str, seconds: float) -> dict[str, float]:
    process = psutil.Process(server.pid)
    before = process.cpu_times()
    headers = {"Authorization": f"token {server.token}"}
    values = wrk(server.url + path, BODY, "application/json", 16, seconds, headers)
    after = process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return {
        "cpu_us": cpu / max(1, values["requests"]) * 1e6,
        "rate": values["rate"],
        "p50": values["p50"],
        "p99": values["p99"],
        "errors": values["errors"],
    }


def _kernel(server: NotebookServer, seconds: float, rate: float) -> dict[str, float]:
    """p50 and p95 in ms of 1+1 over the notebook server's websocket, as a browser would."""
    _, body = server.request("POST", "api/kernels", b"{}", **{"Content-Type": "application/json"})
    kernel = json.loads(body)["id"]
    url = f"{server.url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
    socket = websocket.create_connection(url, header=[f"Authorization: token {server.token}"], timeout=60)
    try:
        for _ in range(5):
            _one_plus_one(socket)
        load = _load(server, rate, seconds + 2) if rate else None
        time.sleep(1 if load else 0)  # until the load is up
        taken = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            taken.append(_one_plus_one(socket) * 1000)
        answered = float(load.communicate(timeout=60)[0]) / (seconds + 2) if load else 0.0
    finally:
        socket.close()
        server.request("DELETE", f"api/kernels/{kernel}")
    p95 = sorted(taken)[int(len(taken) * 0.95)]
    return {"p50": statistics.median(taken), "p95": p95, "cells": len(taken), "rate": answered}


def _load(server: NotebookServer, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.open_loop", f"{server.url}tsnb/predictions/echo", str(rate)]
    command += [str(seconds), BODY.decode(), "Authorization", f"token {server.token}"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def _one_plus_one(socket: Any) -> float:
    """Seconds until the kernel is idle again."""
    header = {"msg_id": uuid.uuid4().hex, "username": "", "session": uuid.uuid4().hex, "msg_type": "execute_request"}
    content = {"code": "1+1", "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header | {"version": "5.3"}, "parent_header": {}, "metadata": {}, "content": content}
    start = time.perf_counter()
    socket.send(json.dumps(message | {"channel": "shell", "buffers": []}))
    while True:
        answer = json.loads(socket.recv())
        mine = answer["parent_header"].get("msg_id") == header["msg_id"]
        if mine and answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
            return time.perf_counter() - start
