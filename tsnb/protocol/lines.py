"""Lines that a worker writes.

Each line that a handler prints or logs travels on the pipe of its stream with a mark before it: the
level and the ids of the requests that were running. A line without one (from C code, a subprocess) is
taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

LINE_MARK: Final = "\x1e"
_MARKED = re.compile("\x1e([A-Z]+)\x1e([^\x1e]*)\x1e")
MAX_LINE_IDS: Final = 32
"""Requests that one line names at most."""


def line_mark(level: str, ids: Sequence[str]) -> str:
    """What stands before a line of this level that was written while these requests ran."""
    return f"{LINE_MARK}{level}{LINE_MARK}{chr(31).join(ids[:MAX_LINE_IDS])}{LINE_MARK}"


def read_line(line: str) -> tuple[str, tuple[str, ...], str]:
    """A line's level (``""`` if unknown), the ids of its requests, and its text."""
    if LINE_MARK not in line:
        return "", (), line
    found = _MARKED.search(line)
    level, ids = (found[1], tuple(found[2].split(chr(31)))) if found else ("", ("",))
    return level, ids if ids != ("",) else (), _MARKED.sub("", line)
