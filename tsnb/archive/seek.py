"""A member of an archive as a stream that can be read from anywhere, without reading what lies before."""

from __future__ import annotations

import io
import os
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tsnb.archive.safety import Limits
from tsnb.archive.sources import pieces, reading
from tsnb.errors import NotFound, TsnbError

IN_MEMORY = 64 << 20
"""Bytes of a compressed member that are held in memory; a larger one is unpacked into a temporary file."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")


class Window(io.RawIOBase):
    """The bytes of a stream from ``start``, ``size`` of them."""

    def __init__(self, stream: IO[bytes], start: int, size: int) -> None:
        self._stream = stream
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As a file's seek."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"cannot seek to {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """As a raw file's readinto."""
        wanted = min(len(buffer), max(self._size - self._at, 0))
        self._stream.seek(self._start + self._at)
        data = self._stream.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def stored_at(stream: IO[bytes], info: zipfile.ZipInfo) -> int | None:
    """Where the content of a zip's entry begins in the zip's own stream; None where it is compressed."""
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
        return None
    stream.seek(info.header_offset)
    header = stream.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
        return None
    _, name, extra = _LOCAL_HEADER.unpack(header)
    return int(info.header_offset + _LOCAL_HEADER.size + name + extra)


@contextmanager
def seekable(path: Path, name: str, limits: Limits | None) -> Iterator[IO[bytes]]:
    """A file of an archive. Raises NotFound, and TsnbError where the disk has no room to unpack it."""
    with reading(path, limits=limits) as reader:
        entry = next((entry for entry in reader.entries() if entry.name == name and entry.kind == "file"), None)
        if entry is None:
            raise NotFound(f"{path.name} has no file {name!r}.")
        if isinstance(entry.raw, Path):
            with entry.raw.open("rb") as file:
                yield file
        elif isinstance(entry.raw, zipfile.ZipInfo) and entry.raw.compress_type == zipfile.ZIP_STORED:
            with path.open("rb") as file:
                start = stored_at(file, entry.raw)
                yield io.BufferedReader(Window(file, start or 0, entry.size if start is not None else 0))
        else:
            with _unpacked(reader.open(entry), entry.size) as file:
                yield file


@contextmanager
def _unpacked(stream: IO[bytes], size: int) -> Iterator[IO[bytes]]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if size > IN_MEMORY and size > free // 2:
        raise TsnbError(
            f"{size} bytes must be unpacked to look into them, and {tempfile.gettempdir()} has {free} bytes free. "
            "Name another folder with TMPDIR."
        )
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        file.writelines(pieces(stream))
        file.seek(0)
        yield file
