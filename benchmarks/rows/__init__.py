"""The rows of the comparison. One more is a module here and one entry in :data:`ROWS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.book import Book
from benchmarks.plan import Plan
from benchmarks.rows import archive, half, lone, notebook, stream, throughput, trivial, weights

ROWS: dict[str, Callable[[Book, Plan], None]] = {
    "echo": partial(throughput.measure, row="echo", task="echo"),
    "mlp": partial(throughput.measure, row="mlp", task="mlp"),
    "cnn": partial(throughput.measure, row="cnn", task="cnn"),
    "raw": partial(throughput.measure, row="raw", task="raw"),
    "mlp2": partial(throughput.measure, row="mlp2", task="mlp", workers=2),
    "stream": stream.measure,
    "lone": lone.measure,
    "half": half.measure,
    "weights": weights.measure,
    "trivial": trivial.measure,
    "archive": archive.measure,
    "notebook": notebook.measure,
}
