"""The plot: requests per second of every server, per row and number of connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.book import Book

COLORS = {"tsnb": "#c2410c", "bare loop": "#a8a29e"}
OTHERS = ("#1e3a5f", "#3b6ea5", "#6b9bc3", "#9dbbd4", "#c9d8e4")


def draw(book: Book, path: Path) -> bool:
    """Write the plot; whether there was anything to draw."""
    rows = [row for row in ("echo", "mlp", "cnn", "raw") if _cases(book, row)]
    if not rows:
        return False
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(rows), figsize=(1 + 4.5 * len(rows), 4.5), squeeze=False)
    for axis, row in zip(axes[0], rows, strict=True):
        _bars(book, axis, row)
    axes[0][0].set_ylabel("requests/s (logarithmic)")
    handles: dict[str, Any] = {}
    for axis in axes[0]:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=len(handles), frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(path)
    pyplot.close(figure)
    return True


def _cases(book: Book, row: str) -> list[str]:
    return [case for case in book.cases(row) if "connection" in case]


def _bars(book: Book, axis: Any, row: str) -> None:
    cases = _cases(book, row)
    subjects = list(dict.fromkeys(s for case in cases for s in book.subjects(row, case)))
    others = [s for s in subjects if s not in COLORS]
    width = 0.8 / max(1, len(subjects))
    for index, subject in enumerate(subjects):
        places = [number + (index - len(subjects) / 2 + 0.5) * width for number in range(len(cases))]
        values = [book.median(row, case, subject, "rate") or 0.0 for case in cases]
        color = COLORS.get(subject) or OTHERS[others.index(subject) % len(OTHERS)]
        axis.bar(places, values, width, label=subject, color=color)
    axis.set_yscale("log")
    axis.set_xticks(range(len(cases)), [case.replace(" connections", "").replace(" connection", "") for case in cases])
    axis.set_xlabel("connections")
    axis.set_title(row)
    axis.spines[["top", "right"]].set_visible(False)
