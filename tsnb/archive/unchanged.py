"""Big files that an older archive at the same place holds already: their digests need not be taken again."""

from __future__ import annotations

import errno
import hashlib
import os
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from tsnb.archive.collect import Member
from tsnb.archive.manifest import INDEX

SETTLED = 0.1
"""Seconds that a file must have been left alone: within the same tick of the clock a change leaves no trace."""

MAX_INDEX = 16 << 20
"""Bytes of an older archive's index that are read at most."""


class Known(Struct, frozen=True):
    """What was found out about a file when it was archived before."""

    sha256: str
    crc: int
    size: int
    state: str


class _File(Struct):
    sha256: str
    size: int
    state: str = ""


class _Index(Struct):
    files: dict[str, _File] = {}


def state(path: Path) -> str:
    """A fingerprint of a file's place, size and times, without its contents; empty while it may be changing."""
    facts = path.stat()
    if time.time() - facts.st_ctime < SETTLED:
        return ""
    text = f"{facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def unchanged(older: Path, members: Iterable[Member]) -> dict[str, Known]:
    """The members that ``older``, a ``.mar`` or nothing of the kind, holds uncompressed and that are as they were."""
    try:
        with zipfile.ZipFile(older) as archive:
            if archive.getinfo(INDEX).file_size > MAX_INDEX:
                return {}
            index = msgspec.json.decode(archive.read(INDEX), type=_Index)
            found = {member.name: _known(archive, index, member) for member in members}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return {}
    return {name: known for name, known in found.items() if known is not None}


def _known(archive: zipfile.ZipFile, index: _Index, member: Member) -> Known | None:
    told = index.files.get(member.name)
    if told is None or not told.state or told.state != state(member.source):
        return None
    stored = archive.getinfo(member.name)
    if stored.compress_type != zipfile.ZIP_STORED or stored.file_size != told.size:
        return None
    return Known(told.sha256, stored.CRC, told.size, told.state)


def copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    """Copy ``size`` bytes from the start of a file to the end of another, inside the kernel where it can.

    Raises OSError where the source turns out to be shorter.
    """
    target.flush()
    start = target.tell()
    _reserve(target.fileno(), start, size)
    done = _copy_in_kernel(source.fileno(), target.fileno(), start, size)
    source.seek(done)
    target.seek(start + done)
    while done < size and (piece := source.read(min(size - done, 1 << 20))):
        target.write(piece)
        done += len(piece)
    if done < size:
        raise OSError(f"{source.name} became shorter while it was archived: {done} of {size} bytes.")


def _reserve(target: int, start: int, size: int) -> None:
    """Take the room on the disk now: ext4 would look for it when the archive takes the place of the older one.

    That would take longer than the copy. Raises OSError where there is no room.
    """
    try:
        os.posix_fallocate(target, start, size)
    except (AttributeError, OSError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise


def _copy_in_kernel(source: int, target: int, start: int, size: int) -> int:
    """The bytes that could be copied so; none where the system or the file system does not do it."""
    done = 0
    if hasattr(os, "copy_file_range"):
        try:
            while done < size and (count := os.copy_file_range(source, target, size - done, done, start + done)):
                done += count
        except OSError:
            return done
    return done
