"""The notebook's own file, as far as the kernel can know it: which cells it still has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tsnb.capture.cells import Cell

MAX_SIZE = 5_000_000
"""Bytes of a notebook that are read: a larger one would slow every capture down."""


def deleted(cells: Iterable[Cell], path: Path) -> list[Cell]:
    """Those of these cells that the notebook at ``path`` has lost: it was saved after they ran, without them."""
    wanted = list({id(cell): cell for cell in cells if cell.cell_id and cell.ran}.values())
    if not wanted or path.suffix != ".ipynb":
        return []
    try:
        about = path.stat()
        earlier = [cell for cell in wanted if cell.ran < about.st_mtime]
        if not earlier or about.st_size > MAX_SIZE:
            return []
        kept = {cell.get("id") for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [cell for cell in earlier if kept - {None} and cell.cell_id not in kept]
