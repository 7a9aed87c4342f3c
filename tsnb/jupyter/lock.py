"""One notebook server at a time on a model store."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from tsnb.errors import Conflict

NAME = ".tsnb.lock"
log = logging.getLogger(__name__)


class StoreLock:
    """A lock file in a model store, held by this process and gone with it.

    The kernel releases the lock of a process that dies, so a stale file means
    nothing; it is never removed, since two servers could then hold one each.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock, at once or never. Raises Conflict with the process id of the holder."""
        if self._file is not None:
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise Conflict(
                f"Another notebook server (process {holder}) uses this model store. "
                "Stop it, or give this server its own: c.TsnbApp.model_store = '<another folder>'."
            ) from None
        except OSError as error:  # a file system without locks
            log.warning("no lock on %s: %s. Let no second notebook server use this model store.", self._path, error)
        os.truncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back. May be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
