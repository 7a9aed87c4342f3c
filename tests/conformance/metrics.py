"""What a server shows on its metrics page and writes into its log files for four requests, in each mode.

``python -m tests.conformance.metrics`` asks TorchServe and writes the recording anew.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.conformance.houses import MODEL_API, NO_TOKENS, House
from tests.conformance.servers import Kind, Server

RECORDING = Path(__file__).with_name("metrics.json")
HANDLERS = (
    Path(__file__).parent.parent / "archives" / "handlers" / "measuring.py",
    Path(__file__).parent / "handlers" / "printing.py",
)
DEADLINE = 60.0
POLL = "/metrics?name[]=PredictionTime"
LISTED = """
dimensions: [&model ModelName, &level Level]
ts_metrics:
  counter:
    - {name: Requests2XX, unit: Count, dimensions: [*level, Hostname]}
    - {name: Requests4XX, unit: Count, dimensions: [*level, Hostname]}
    - {name: Requests5XX, unit: Count, dimensions: [*level, Hostname]}
    - {name: ts_inference_requests_total, unit: Count, dimensions: [model_name, model_version, hostname]}
    - {name: ts_inference_latency_microseconds, unit: Microseconds, dimensions: [model_name, model_version, hostname]}
    - {name: ts_queue_latency_microseconds, unit: Microseconds, dimensions: [model_name, model_version, hostname]}
  gauge:
    - {name: QueueTime, unit: Milliseconds, dimensions: [*level, Hostname]}
    - {name: WorkerLoadTime, unit: Milliseconds, dimensions: [WorkerName, *level, Hostname]}
    - {name: Nobody, unit: Apples, dimensions: [*level, Hostname]}
model_metrics:
  counter:
    - {name: Listed, unit: count, dimensions: [*model, *level, Colour]}
    - {name: Loads, unit: count, dimensions: [*model, *level]}
  gauge:
    - {name: HandlerTime, unit: ms, dimensions: [*model, *level]}
    - {name: PredictionTime, unit: ms, dimensions: [*model, *level]}
  histogram:
    - {name: Spread, unit: s, dimensions: [*model, *level]}
"""

MODES = {
    "log": {"metrics_mode": "log"},
    "prometheus": {"metrics_mode": "prometheus"},
    "legacy": {"metrics_mode": "Legacy"},
    "detected": {"metrics_mode": "prometheus", "model_metrics_auto_detect": "true"},
    "not listed": {"metrics_mode": "prometheus", "metrics_config": ""},
}
FILES = ("ts_metrics", "model_metrics", "access_log", "model_log")


def archives(folder: Path) -> Path:
    """A folder with the models ``measuring`` and ``printing``, and the list of metrics."""
    folder.mkdir()
    for handler in HANDLERS:
        words = ["--model-name", handler.stem, "-v", "1.0", "--handler", str(handler), "--export-path", str(folder)]
        subprocess.run([sys.executable, "-m", "tsnb", "archive", *words], check=True, capture_output=True)
    (folder / "metrics.yaml").write_text(LISTED)
    return folder


def ask(kind: Kind, mode: str, folder: Path, made: Path) -> dict[str, list[str]]:
    """What a server of this kind shows and writes, without what is different each time."""
    settings = {"metrics_config": "<archives>/metrics.yaml", **MODES[mode]}
    settings = {name: value for name, value in settings.items() if value}
    house = House(load=("measuring", "printing"), config=settings, flags=(NO_TOKENS, MODEL_API))
    with Server(kind, house, folder, made) as server:
        for path in ("measuring", "measuring/1.0", "nobody", "printing"):
            _post(server, f"/predictions/{path}", b"2")
        _wait_for_printed(server)
        page = _get(server, "/metrics")
        named = _get(server, "/metrics?name[]=Requests4XX&name[]=Nobody&name[]=Spread_sum")
        _wait_for(folder / "logs" / "access_log.log")
    found = {"page": sorted(map(_veil, page)), "named": sorted(map(_veil, named))}
    for name in FILES:
        path = folder / "logs" / f"{name}.log"
        lines = path.read_text().splitlines() if path.exists() else []
        found[name] = sorted(_veil(line) for line in lines if _counts(line))
    return found


def _counts(line: str) -> bool:
    """Whether a line comes from the requests, not from waiting for a worker, and not from a worker's own start."""
    if "MODEL_LOG" in line:
        return " - line " in line
    return (
        "GET /models" not in line and POLL not in line and "Requests2XX" not in line and "WorkerThreadTime" not in line
    )


def _veil(line: str) -> str:
    """A line without times, hosts, worker numbers, request ids and measured values."""
    for pattern, replacement in (
        (r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3}", "<stamp>"),
        (r"(?<=[\":])" + re.escape(socket.gethostname()) + r"(?=[\",])", "<host>"),
        (r"timestamp:\d+", "timestamp:<time>"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
        (r"W-\d+-", "W-<worker>-"),
        (r"/127\.0\.0\.1:\d+", "<client>"),
        (r'(HTTP/1.1" \d+) \d+$', r"\1 <ms>"),
        (r"((?:Time|seconds)(?:\.\w+:|\{.*\} ))[-.\dE]+", r"\1<value>"),
        (r"^(Requests2XX\{.*\}) .*", r"\1 <value>"),
    ):
        line = re.sub(pattern, replacement, line)
    return line


def _wait_for_printed(server: Server) -> None:
    """What a worker prints last is counted a little after its answer: on the page, or in the log."""
    log = server.folder / "logs" / "model_metrics.log"
    deadline = time.monotonic() + DEADLINE
    while True:
        found = [*_get(server, POLL), *(log.read_text().splitlines() if log.exists() else [])]
        if any("PredictionTime" in line and "printing" in line for line in found):
            return
        assert time.monotonic() < deadline, "what was printed is not counted"
        threading.Event().wait(0.05)


def _wait_for(path: Path) -> None:
    """Lines are written a little after their requests."""
    deadline = time.monotonic() + DEADLINE
    while not path.exists() or path.read_text().count("GET /metrics") < 2:
        assert time.monotonic() < deadline, f"{path} has no lines"
        threading.Event().wait(0.05)


def _get(server: Server, path: str) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.ports['metrics']}{path}", timeout=DEADLINE) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return str(answer.read().decode()).splitlines()


def _post(server: Server, path: str, body: bytes) -> None:
    url = f"http://127.0.0.1:{server.ports['inference']}{path}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/octet-stream"})
    try:
        urllib.request.urlopen(request, timeout=DEADLINE).close()
    except urllib.error.HTTPError as error:
        error.close()


def main() -> None:
    """Record what TorchServe does."""
    with tempfile.TemporaryDirectory() as name:
        made = archives(Path(name) / "archives")
        found = {}
        for number, mode in enumerate(MODES):
            folder = Path(name) / str(number)
            folder.mkdir()
            found[mode] = ask("torchserve", mode, folder, made)
    RECORDING.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
