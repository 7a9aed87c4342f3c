"""wrk: a closed loop of 1, 16 or 64 connections, and what it counted."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).parent / "wrk.lua"
MISSING = "wrk is not installed: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS)"


class NoWrk(RuntimeError):
    """There is no wrk on the path."""


def wrk(
    url: str, body: bytes, content_type: str, connections: int, seconds: float, headers: dict[str, str]
) -> dict[str, float]:
    """Requests per second, p50 and p99 in ms, and errors (socket errors and statuses from 400)."""
    program = shutil.which("wrk")
    if program is None:
        raise NoWrk(MISSING)
    with tempfile.NamedTemporaryFile(suffix=".body") as file:
        file.write(body)
        file.flush()
        said = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        # wrk counts in whole seconds only.
        command = [program, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", *said]
        command += ["-s", str(SCRIPT), url, "--", file.name, content_type]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("BENCH ")]
    if done.returncode or not lines:
        raise RuntimeError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    seen = json.loads(lines[0][6:])
    rate = seen["requests"] / (seen["microseconds"] / 1e6)
    return {
        "rate": rate,
        "requests": seen["requests"],
        "p50": seen["p50"],
        "p99": seen["p99"],
        "errors": seen["errors"],
    }
