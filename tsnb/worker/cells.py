"""From lines of a captured module back to lines of the notebook cell it came from.

A module that was written from cells has a neighbour ``<module>.tsnb.json``::

    {"segments": [{"start": 12, "count": 30, "filename": "In [3]", "line": 2}, …]}

lines 12 to 41 of the module are lines 2 to 31 of that cell.
"""

from __future__ import annotations

import functools
import os

import msgspec
from msgspec import Struct


class Segment(Struct, frozen=True):
    """``count`` lines of a module, from ``start`` on, that are those of a cell from ``line`` on."""

    start: int
    count: int
    filename: str
    line: int


class CellMap(Struct, frozen=True):
    """All segments of one module."""

    segments: tuple[Segment, ...] = ()


@functools.lru_cache(maxsize=64)
def _cell_map(module: str) -> CellMap:
    """The map of a module's file; an empty one where there is none that can be read."""
    try:
        with open(os.path.splitext(module)[0] + ".tsnb.json", "rb") as file:
            return msgspec.json.decode(file.read(), type=CellMap)
    except (OSError, msgspec.MsgspecError):
        return CellMap()


def locate(filename: str, line: int) -> tuple[str, int]:
    """Where the owner typed this line: the cell's name and line, or the same again."""
    if filename.endswith(".py"):
        for segment in _cell_map(filename).segments:
            if segment.start <= line < segment.start + segment.count:
                return segment.filename, line - segment.start + segment.line
    return filename, line
