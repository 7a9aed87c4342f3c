"""A log file that is packed away at 100 MB and at midnight (spec 7.13)."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import threading
from datetime import date
from pathlib import Path
from typing import BinaryIO

SIZE = 100 * 2**20
"""Bytes at which a log file is packed away."""
KEEP = 5
"""Packed files of one log that are kept."""


class RotatingFile:
    """Appends text to ``path``, which is opened when there is something to write; any thread may write.

    A full file, and yesterday's, becomes ``<stem>.<day>-<month>.log.gz``, with
    a number before ``.log`` where that day has one already. A file that
    somebody moved or removed is made anew.
    """

    def __init__(self, path: Path, size: int = SIZE, keep: int = KEEP) -> None:
        self.path = path
        self._size = size
        self._keep = keep
        self._file: BinaryIO | None = None
        self._day = date.min
        self._packing: threading.Thread | None = None
        self._writing = threading.Lock()

    def __str__(self) -> str:
        return str(self.path)

    def write(self, text: str, today: date | None = None) -> None:
        """Append; ``today`` is for tests. Raises OSError."""
        data = memoryview(text.encode("utf-8", "replace"))
        with self._writing:
            file = self._ready(today or date.today())
            while data:
                data = data[file.write(data) :]

    def _ready(self, today: date) -> BinaryIO:
        if self._file is not None and not self._still_there(self._file):
            self._shut()
        if self._file is None:
            self._open(today)
        assert self._file is not None  # noqa: S101
        if self._day < today or os.fstat(self._file.fileno()).st_size >= self._size:
            self._rotate()
            self._open(today)
        return self._file

    def _still_there(self, file: BinaryIO) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(file.fileno()))
        except OSError:
            return False

    def _open(self, today: date) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # What another server began yesterday belongs to yesterday.
        written = self.path.stat() if self.path.exists() else None
        self._day = date.fromtimestamp(written.st_mtime) if written is not None and written.st_size else today
        self._file = self.path.open("ab", buffering=0)

    def _rotate(self) -> None:
        self._shut()
        full = self._free_name()
        os.replace(self.path, full)
        self.wait()
        self._packing = threading.Thread(target=self._pack, args=(full,), name="log-packer", daemon=True)
        self._packing.start()

    def _free_name(self) -> Path:
        day = self._day.strftime("%d-%b")
        number = 1
        while True:
            middle = day if number == 1 else f"{day}.{number}"
            name = self.path.with_name(f"{self.path.stem}.{middle}{self.path.suffix}")
            if not name.exists() and not _packed(name).exists():
                return name
            number += 1

    def _pack(self, full: Path) -> None:
        part = full.with_name(full.name + ".part")
        try:
            with full.open("rb") as source, gzip.open(part, "wb", compresslevel=5) as target:
                shutil.copyfileobj(source, target, 2**20)
            os.replace(part, _packed(full))
            full.unlink()
            self._prune()
        except OSError:  # a full disk, say: the file stays as it is
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _prune(self) -> None:
        stem, suffix = re.escape(self.path.stem), re.escape(self.path.suffix)
        ours = re.compile(rf"{stem}\.\d\d-[^.]+(\.\d+)?{suffix}(\.gz)?")
        found = [entry for entry in self.path.parent.iterdir() if ours.fullmatch(entry.name)]
        for old in sorted(found, key=lambda entry: entry.stat().st_mtime)[: -self._keep or None]:
            old.unlink(missing_ok=True)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until a full file is packed."""
        if self._packing is not None:
            self._packing.join(timeout)

    def close(self) -> None:
        """Let go of the file; a full one gets a few seconds to be packed."""
        with self._writing:
            self._shut()
        self.wait(3.0)

    def _shut(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _packed(name: Path) -> Path:
    return name.with_name(name.name + ".gz")
