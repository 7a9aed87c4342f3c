"""How long an edit takes: ``python -m benchmarks.loop`` types cells into a real kernel, with a server of its own.

For a small model and for one with 1 GB of weights: seconds from an edited cell to the first answer by its code, and
20 swaps while 16 connections keep asking. Every request that was begun is counted. Nothing else should run meanwhile.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from tests.support.kernel import Kernel, kernel

SWAPS = 20
CONNECTIONS = 16
MODELS = {"small": 8_000, "1 GB of weights": 2_000_000}
"""Rows of 128 float32 in the model, 512 bytes each."""

HANDLER = """%%handler rows
import torch
from tsnb import BaseHandler

class Rows(BaseHandler):
    def preprocess(self, data):
        return torch.tensor([int(row["body"]) for row in data])

    def postprocess(self, out):
        return [NUMBER for row in out]
"""


class Callers:
    """Connections that ask without a pause; what each answer said, and when it came."""

    def __init__(self, url: str, token: str, count: int) -> None:
        self._url, self._token = url, token
        self._stop = threading.Event()
        self.begun = 0
        self.failed: list[str] = []
        self.first: dict[int, float] = {}
        self.answered = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]

    def _ask(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "content-type": "application/json"}
        with httpx.Client(headers=headers, timeout=60, trust_env=False) as client:
            while not self._stop.is_set():
                with self._lock:
                    self.begun += 1
                try:
                    answer = client.post(self._url, content=b"3")
                    answer.raise_for_status()
                    self._note(answer.json())
                except Exception as error:
                    self.failed.append(repr(error))

    def _note(self, number: int) -> None:
        with self._lock:
            self.answered += 1
            self.first.setdefault(number, time.perf_counter())

    def wait(self, number: int) -> float:
        """When the first answer by this code came."""
        while number not in self.first:
            time.sleep(0.0005)
        return self.first[number]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def _run(notebook: Kernel, text: str) -> str:
    outcome = notebook.run(text)
    if not outcome.ok:
        raise RuntimeError(outcome.error)
    return outcome.text


def _edits(notebook: Kernel, address: Any, connections: int, start: int) -> tuple[Callers, list[float]]:
    """Run the cell with a new number in it, again and again; seconds to the first answer with that number."""
    took = []
    with Callers(*address, connections) as callers:
        for number in range(start, start + SWAPS):
            began = time.perf_counter()
            _run(notebook, HANDLER.replace("NUMBER", str(number)))
            took.append(callers.wait(number) - began)
    return callers, took


def _capture(notebook: Kernel, number: int) -> float:
    """Seconds of a handler cell whose module is tried in a fresh process; nothing is served."""
    began = time.perf_counter()
    _run(notebook, HANDLER.replace("NUMBER", str(number)))
    return time.perf_counter() - began


def measure(name: str, rows: int) -> None:
    """Print the figures of one model."""
    with tempfile.TemporaryDirectory() as folder, kernel(Path(folder)) as notebook:
        _run(notebook, "%load_ext tsnb")
        _run(notebook, f"import torch\nnet = torch.nn.Embedding({rows}, 128)")
        _run(notebook, HANDLER.replace("NUMBER", "-2"))
        _run(notebook, "%archive rows --model net")  # waits until the check's process is up
        took = [_capture(notebook, number) for number in range(-20, -10)]
        print(f"{name}: capture with its check {statistics.median(took):.3f} s median of 10, {max(took):.3f} s at most")
        _run(notebook, "%serve rows --workers 2")
        address = notebook.value(
            "(lambda a: [a.prediction('rows'), a.inference_token])(get_ipython()._tsnb[0].running().address)"
        )
        for connections in (1, CONNECTIONS):
            callers, took = _edits(notebook, address, connections, 1000 * connections)
            print(
                f"{name}, {connections} connections, {SWAPS} swaps: edited cell to first answer by new code "
                f"{statistics.median(took):.3f} s median, {max(took):.3f} s at most; {callers.begun:,} requests, "
                f"{callers.answered:,} answered, {len(callers.failed)} failed"
            )


def main() -> None:
    """All models."""
    for name, rows in MODELS.items():
        measure(name, rows)


if __name__ == "__main__":
    main()
