"""``jupyter server`` as a user starts it: a process of its own, with real workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.notebook_server import NotebookServer

HANDLER = """
import time

def handle(data, context):
    if data is None:
        return None
    body = bytes(data[0]["body"])
    if body == b"sleep":
        print("sleeping", flush=True)
        time.sleep(60)
    return [body[::-1]]
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NotebookServer]:
    model = tmp_path / "model_store" / "mirror"
    (model / "MAR-INF").mkdir(parents=True)
    (model / "handler.py").write_text(HANDLER)
    manifest = {"model": {"modelName": "mirror", "handler": "handler.py", "modelVersion": "1.0"}}
    (model / "MAR-INF" / "MANIFEST.json").write_text(json.dumps(manifest))
    with NotebookServer(tmp_path, base_url="/a%40b/", options=("--TsnbApp.job_queue_size=7",)) as running:
        yield running


def serve(server: NotebookServer, workers: int = 2) -> list[psutil.Process]:
    """Register the model; the server's children, its workers among them."""
    status, body = server.request("POST", f"tsnb/models?url=mirror&initial_workers={workers}")
    assert (status, json.loads(body)) == (
        200,
        {"status": f'Model "mirror" Version: 1.0 registered with {workers} initial workers'},
    )
    pids = {worker["pid"] for worker in server.get("tsnb/models/mirror")[0]["workers"]}
    children = psutil.Process(server.pid).children(recursive=True)
    assert len(pids) == workers
    assert pids <= {child.pid for child in children}
    return children


def gone(processes: list[psutil.Process], within: float) -> bool:
    """Whether all of these have ended, or do so in time."""
    _, alive = psutil.wait_procs(processes, timeout=within)
    return not [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Ask again and again, since the server answers questions only."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.05)


def test_serving_and_a_clean_end(server: NotebookServer) -> None:
    processes = serve(server)
    assert server.request("POST", "tsnb/predictions/mirror", b"abc", **{"Content-Type": "x/y"}) == (200, b"cba")
    assert server.request("PUT", "tsnb/models/mirror?min_worker=1&synchronous=true")[0] == 200
    assert server.get("tsnb/ping") == {"status": "Healthy"}
    assert server.get("tsnb/models/mirror")[0]["jobQueueStatus"] == {"remainingCapacity": 7, "pendingRequests": 0}
    assert not [each.path for each in psutil.Process(server.pid).memory_maps() if "torch" in each.path]
    os.kill(server.pid, signal.SIGTERM)
    assert gone([psutil.Process(server.pid), *processes], within=10)


def test_a_killed_server_leaves_no_worker(server: NotebookServer) -> None:
    processes = serve(server)
    os.kill(server.pid, signal.SIGKILL)
    assert gone(processes, within=10)


def test_the_end_does_not_wait_for_a_handler(server: NotebookServer) -> None:
    processes = serve(server, workers=1)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.request, "POST", "tsnb/predictions/mirror", b"sleep", **{"Content-Type": "x/y"})
        until(lambda: any("sleeping" in line["text"] for line in server.get("tsnb/-/logs/mirror")["lines"]))
        os.kill(server.pid, signal.SIGTERM)
        assert gone([psutil.Process(server.pid), *processes], within=10)
        assert isinstance(answer.exception(timeout=10), OSError) or answer.result()[0] >= 500


def test_a_kernel_knows_where_the_server_is(server: NotebookServer) -> None:
    serve(server, workers=1)
    call = """
import os, urllib.request
headers = {"Authorization": "token " + os.environ["TSNB_TOKEN"], "Content-Type": "x/y"}
request = urllib.request.Request(os.environ["TSNB_URL"] + "predictions/mirror", b"abc", headers)
print(urllib.request.urlopen(request).read())
"""
    with server.kernel() as kernel:
        assert kernel.run(call) == "b'cba'\n"


def test_the_extension_is_listed_as_enabled_and_ok() -> None:
    command = [sys.executable, "-m", "jupyter", "server", "extension", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.strip() for line in (listed.stdout + listed.stderr).splitlines()]
    assert any(line.startswith("tsnb") and "enabled" in line for line in lines)
    assert any(line.startswith("tsnb ") and "OK" in line for line in lines)
