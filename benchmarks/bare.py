"""The loop without a server: decode, batch, forward, encode, on one core. What any server can at best reach.

``python bare.py rate TASK BATCH SECONDS`` prints requests per second;
``python bare.py answers TASK`` the answers that every server must give.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent / "tasks"))

import bench_task
import inputs


def _decode(task: str, body: bytes) -> Any:
    return body if task == "raw" else msgspec.json.decode(body)["x"]


def rate(task: str, batch: int, seconds: float) -> float:
    """Requests per second with this many in a batch."""
    run = bench_task.make(task)
    values = inputs.values(task)
    bodies = values if task == "raw" else [json.dumps({"x": value}).encode() for value in values]
    asked = [bodies[number % len(bodies)] for number in range(batch)]

    def once() -> list[bytes]:
        return [msgspec.json.encode(answer) for answer in run([_decode(task, body) for body in asked])]

    once()
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        once()
        done += batch
    return done / (time.perf_counter() - start)


def answers(task: str) -> list[Any]:
    """One answer per input, each in a batch of its own."""
    run = bench_task.make(task)
    return [run([value])[0] for value in inputs.values(task)]


if __name__ == "__main__":
    if sys.argv[1] == "rate":
        print(rate(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    else:
        print(json.dumps(answers(sys.argv[2])))
