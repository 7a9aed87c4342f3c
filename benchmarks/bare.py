"""The loop without a server: decode, batch, forward, encode, on one core. What any server can at best reach.

``python bare.py rate TASK BATCH SECONDS`` prints requests per second;
``python bare.py paced TASK RATE SECONDS`` what each of so many requests a second took beyond the model, in ms;
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

EARLY = 0.002
"""Seconds before a request is due in which the loop does not sleep."""


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


def paced(task: str, per_second: float, seconds: float) -> list[float]:
    """Milliseconds from when each of so many requests a second was due to its answer, beyond the model's own time."""
    run = bench_task.make(task)
    bodies = [json.dumps({"x": value}).encode() for value in inputs.values(task)]
    start = time.perf_counter() + 0.05
    added = []
    for number in range(int(per_second * seconds)):
        due = start + number / per_second
        time.sleep(max(0.0, due - EARLY - time.perf_counter()))
        while time.perf_counter() < due:
            pass
        (answer,) = run([_decode(task, bodies[number % len(bodies)])])
        msgspec.json.encode(answer)
        added.append((time.perf_counter() - due - answer["seconds"]) * 1000)
    return added


def answers(task: str) -> list[Any]:
    """One answer per input, each in a batch of its own."""
    run = bench_task.make(task)
    return [run([value])[0] for value in inputs.values(task)]


if __name__ == "__main__":
    if sys.argv[1] == "rate":
        print(rate(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    elif sys.argv[1] == "paced":
        print(json.dumps(paced(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))))
    else:
        print(json.dumps(answers(sys.argv[2])))
