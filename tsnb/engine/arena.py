"""Shared memory for large request bodies: written once by the server, read in place by the workers.

It is one anonymous file. No name leads to it but the server's own descriptor
in ``/proc``, so it is gone with the server, and a worker that dies leaves
nothing in it: the server alone says what is in use. Workers open it to read.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Final

from tsnb.protocol import Buffer

SIZE: Final = 256 * 2**20
"""Bytes of address space. Memory is taken when it is written to; bodies that find no room go over the socket."""
WARM: Final = 32 * 2**20
"""Bytes at the beginning that keep their memory; what is freed beyond goes back to the system."""
PAGE: Final = mmap.PAGESIZE


class Arena:
    """Room for bodies. Blocks are taken from the lowest place where they fit."""

    def __init__(self, size: int = SIZE) -> None:
        self._fd = os.memfd_create("tsnb-bodies", os.MFD_CLOEXEC)
        os.fchmod(self._fd, 0o400)  # a seal against writing would keep us from giving memory back
        os.ftruncate(self._fd, size)
        self._map = mmap.mmap(self._fd, size)
        self._used: dict[int, int] = {}
        self._free = [(0, size)]

    @property
    def path(self) -> str:
        """Where a worker of this server, and nobody of another user, can open it."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def place(self, body: Buffer) -> int | None:
        """Copy a body in; its offset, or None where there is no room."""
        size = len(body)
        room = -(-size // PAGE) * PAGE
        for index, (start, length) in enumerate(self._free):
            if room <= length:
                self._free[index : index + 1] = [(start + room, length - room)] if length > room else []
                self._used[start] = room
                self._map[start : start + size] = body
                return start
        return None

    def release(self, offset: int) -> None:
        """Nobody reads the block at this offset any more."""
        room = self._used.pop(offset)
        if offset + room > WARM and hasattr(mmap, "MADV_REMOVE"):
            self._map.madvise(mmap.MADV_REMOVE, offset, room)
        self._free.append((offset, room))
        self._free.sort()
        merged = [self._free[0]]
        for start, length in self._free[1:]:
            last, size = merged[-1]
            if last + size == start:
                merged[-1] = (last, size + length)
            else:
                merged.append((start, length))
        self._free = merged

    @property
    def used(self) -> int:
        """Bytes in use."""
        return sum(self._used.values())

    def close(self) -> None:
        """Give everything back."""
        self._map.close()
        os.close(self._fd)


def made() -> Arena | None:
    """An arena, or None on a system that cannot have one."""
    if sys.platform != "linux":
        return None
    try:
        return Arena()
    except OSError:
        return None
