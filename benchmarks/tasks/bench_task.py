"""The work itself: the same torch code for every server, and for the loop without one.

Runs in every peer's own environment, so it may import torch and the standard
library only. A task takes a list of JSON values (or raw bodies) and returns a
list of answers that JSON can carry.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

CHUNKS = 10_000


class Echo:
    """Tiny JSON in, a constant out."""

    def __call__(self, values: list[Any]) -> list[Any]:
        return [{"answer": 42} for _ in values]


class Raw:
    """Counts the bytes of a raw body."""

    def __call__(self, values: list[Any]) -> list[Any]:
        return [{"bytes": len(value)} for value in values]


class Mlp:
    """784 floats to ten probabilities: 784 → 256 → 128 → 10."""

    def __init__(self) -> None:
        self.torch = torch = _torch()
        layers = [torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128), torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers, torch.nn.Linear(128, 10), torch.nn.Softmax(1)).eval()

    def __call__(self, values: list[Any]) -> list[Any]:
        with self.torch.inference_mode():
            return self.model(self.torch.tensor(values, dtype=self.torch.float32)).tolist()


class Cnn:
    """784 floats as a picture of 28 × 28 through wide convolutions: tens of milliseconds on one core."""

    def __init__(self) -> None:
        self.torch = torch = _torch()
        nn = torch.nn
        layers = [nn.Upsample(scale_factor=2), nn.Conv2d(1, 64, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.Conv2d(128, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10), nn.Softmax(1)]
        self.model = nn.Sequential(*layers).eval()

    def __call__(self, values: list[Any]) -> list[Any]:
        start = time.perf_counter()
        with self.torch.inference_mode():
            pictures = self.torch.tensor(values, dtype=self.torch.float32).reshape(-1, 1, 28, 28)
            rows = self.model(pictures).tolist()
        seconds = time.perf_counter() - start
        return [{"p": row, "seconds": seconds} for row in rows]


class Stream:
    """Ten thousand small pieces; the first says when it was sent (monotonic seconds)."""

    def __call__(self, values: list[Any]) -> list[Any]:
        raise TypeError("this task only streams")

    def pieces(self) -> Iterator[str]:
        yield f"tok-0@{time.monotonic():.6f} "
        for number in range(1, CHUNKS):
            yield f"tok-{number} "


TASKS: dict[str, Any] = {"echo": Echo, "mlp": Mlp, "cnn": Cnn, "raw": Raw, "stream": Stream}


def make(name: str) -> Any:
    """The task of that name, its weights the same in every process."""
    return TASKS[name]()


def _torch() -> Any:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    return torch
