"""Every server's answers beside those of the bare loop."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.client import Answer, Connection, request_bytes
from benchmarks.peers.base import Peer
from benchmarks.server import Server
from benchmarks.tasks import inputs

BARE = Path(__file__).parent / "bare.py"
TOLERANCE = 1e-4
"""Answers may differ this much: batches of another size are summed in another order."""


class WrongAnswer(RuntimeError):
    """A server's answer is not the bare loop's."""


def bare(*arguments: str | int | float) -> str:
    """What the loop without a server prints."""
    environ = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, str(BARE), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=True, timeout=300)
    return done.stdout


@cache
def expected(task: str) -> tuple[Any, ...]:
    """The bare loop's answers, one per input."""
    return tuple(json.loads(bare("answers", task)))


def check(server: Server, peer: Peer, task: str, batch: int, connections: int = 16) -> int:
    """Send every input over concurrent connections and compare; how many were. Raises WrongAnswer."""
    asked = inputs.values(task)
    bodies = [peer.body(task, value, batch) for value in asked]
    requests = [request_bytes(server.url, body, inputs.content_type(task)) for body in bodies]
    with ThreadPoolExecutor(connections) as pool:
        answers = list(pool.map(lambda start: _ask(server.url, requests[start::connections]), range(connections)))
    for start, several in enumerate(answers):
        for position, answer in enumerate(several):
            index = start + position * connections
            _compare(answer, peer, batch, expected(task)[index], index)
    return len(requests)


def _ask(url: str, requests: list[bytes]) -> list[Answer]:
    if not requests:
        return []
    answers = []
    with Connection(url) as connection:
        for request in requests:
            answers.append(connection.ask(request))
            if answers[-1].status != 200:  # enough to know, and the connection may be closed now
                break
    return answers


def _compare(answer: Answer, peer: Peer, batch: int, wanted: Any, index: int) -> None:
    if answer.status != 200:
        raise WrongAnswer(f"input {index}: status {answer.status}, {answer.body[:200]!r}")
    given = peer.answer(answer.body, batch)
    if not same(given, wanted):
        raise WrongAnswer(f"input {index}: {str(given)[:200]} instead of {str(wanted)[:200]}")


def same(given: Any, wanted: Any) -> bool:
    """Equal, numbers up to the tolerance; the time a task took may differ."""
    if isinstance(wanted, dict):
        names = set(wanted) - {"seconds"}
        return (
            isinstance(given, dict) and names == set(given) - {"seconds"} and _all((given[n], wanted[n]) for n in names)
        )
    if isinstance(wanted, list):
        return isinstance(given, list) and len(given) == len(wanted) and _all(zip(given, wanted, strict=True))
    if isinstance(wanted, float):
        return isinstance(given, (int, float)) and math.isclose(given, wanted, abs_tol=TOLERANCE, rel_tol=TOLERANCE)
    return bool(given == wanted)


def _all(pairs: Iterable[tuple[Any, Any]]) -> bool:
    return all(same(given, wanted) for given, wanted in pairs)
