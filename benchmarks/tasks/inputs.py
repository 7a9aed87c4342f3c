"""What is asked: values and bodies, the same for every server."""

from __future__ import annotations

import random
from typing import Any

COUNT = 32
"""Different inputs per task."""

MEGABYTE = 1 << 20


def values(task: str) -> list[Any]:
    """The different inputs of a task: JSON values, or bytes for ``raw``."""
    source = random.Random(0)
    if task in ("mlp", "cnn"):
        return [[round(source.random(), 4) for _ in range(784)] for _ in range(COUNT)]
    if task == "raw":
        return [bytes([number]) * MEGABYTE for number in range(4)]
    return list(range(COUNT))


def content_type(task: str) -> str:
    """The content type of a task's bodies."""
    return "application/octet-stream" if task == "raw" else "application/json"
