"""The server's shared memory as a worker sees it: to read, never to write."""

from __future__ import annotations

import mmap
import os


def opened(path: str) -> memoryview | None:
    """All of it, or None where there is none, or where this process may not look into it."""
    if not path:
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return memoryview(mmap.mmap(fd, 0, prot=mmap.PROT_READ))
    except (OSError, ValueError):
        return None
    finally:
        os.close(fd)
