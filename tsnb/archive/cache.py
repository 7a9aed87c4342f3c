"""Where archives are unpacked to: big files once, by content; model folders once per registration.

::

    cache/
      lock                      shared while unpacking, exclusive while tidying up
      blobs/<sha256>            the big files, read-only, hard-linked into model folders
      blobs/<sha256>.json       their size and CRC-32
      archives/<key>.json       the digests of an archive's big files, while that archive is unchanged
      archives/<key>.lock       held while that archive is unpacked
      owners/<pid>-<random>/    one per process; its ``lock`` is held as long as the process lives
        models/<32 hex digits>  model folders in use
        partial/                what is being written

Whatever a killed process left behind lies below its owner folder, whose lock
is then free; the next :meth:`Cache.tidy` removes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import threading
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from tsnb.errors import TsnbError

KEEP_UNUSED = 16 << 30
"""Bytes of big files that are kept although no model uses them (16 GiB), so that a restart is cheap."""

REMEMBERED = 30 * 86400
"""Seconds for which the digests of an archive are remembered."""

BLOB_TIME = 946684800
"""Modification time of every blob (2000-01-01); another one means that somebody wrote into it."""


class Facts(Struct, frozen=True):
    """What a blob was when it was stored."""

    size: int
    crc: int


class Blob(Struct, frozen=True):
    """A big file in the cache."""

    path: Path
    sha256: str


class _Remembered(Struct, frozen=True):
    """Digests of an archive's big files, and the state of the archive's file when they were taken."""

    state: tuple[int, int, int]
    digests: dict[str, str]


_owners: dict[tuple[Path, int], tuple[Path, int]] = {}
"""Per cache and process: the owner folder and the descriptor that holds its lock until the process ends."""

_owners_lock = threading.Lock()


class Cache:
    """A cache folder. Safe to use from several threads and processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = root / "blobs"
        self.archives = root / "archives"
        self.owners = root / "owners"

    @contextmanager
    def unpacking(self, source: Path) -> Iterator[None]:
        """Hold off tidying, and others that would unpack the same archive at the same time."""
        self._make()
        with locked(self.root / "lock", fcntl.LOCK_SH), locked(self._key(source, ".lock"), fcntl.LOCK_EX):
            yield

    def _make(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = stat.S_ISVTX | stat.S_IWOTH
        if self.root.parent.stat().st_mode & shared == shared and self.root.lstat().st_uid != os.getuid():
            raise TsnbError(f"The cache folder {self.root} belongs to another user. Choose one with cache_dir.")
        for folder in (self.blobs, self.archives, self.owners):
            folder.mkdir(exist_ok=True)

    def _key(self, source: Path, suffix: str) -> Path:
        return self.archives / (hashlib.sha256(os.fsencode(source.resolve())).hexdigest() + suffix)

    # --- model folders ---

    def owner(self) -> Path:
        """This process's own folder. Call it while unpacking."""
        place = (self.root.resolve(), os.getpid())
        with _owners_lock:
            folder, descriptor = _owners.get(place, (Path(), -1))
            if descriptor >= 0 and (folder / "lock").exists():
                return folder
            folder = place[0] / "owners" / f"{place[1]}-{uuid.uuid4().hex[:8]}"
            for part in ("models", "partial"):
                (folder / part).mkdir(parents=True)
            descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            _owners[place] = (folder, descriptor)
            return folder

    # --- big files ---

    def find(self, sha256: str, size: int, crc: int) -> Blob | None:
        """The blob, if it is there, was stored with this size and CRC, and nobody has written into it since."""
        path = self.blobs / sha256
        facts_file = path.with_suffix(".json")
        try:
            facts = msgspec.json.decode(facts_file.read_bytes(), type=Facts)
            seen = path.stat()
        except (OSError, msgspec.DecodeError):
            return None
        if facts != Facts(size, crc) or seen.st_size != size or seen.st_mtime_ns != BLOB_TIME * 10**9:
            return None
        os.utime(facts_file)  # last used now: see tidy
        return Blob(path, sha256)

    def store(self, pieces: Iterable[bytes]) -> Blob:
        """Write a blob and name it after its content. Nothing is left when it fails."""
        partial = self.owner() / "partial" / uuid.uuid4().hex
        try:
            digest, facts = _write(partial, pieces)
            kept = self.find(digest, facts.size, facts.crc)
            return kept or self._keep(partial, digest, facts)
        finally:
            partial.unlink(missing_ok=True)

    def _keep(self, partial: Path, digest: str, facts: Facts) -> Blob:
        # Facts and time depend on the content alone, so two processes that store the same file cannot disagree.
        path = self.blobs / digest
        partial.chmod(0o444)
        os.utime(partial, (BLOB_TIME, BLOB_TIME))
        note = partial.with_suffix(".json")
        note.write_bytes(msgspec.json.encode(facts))
        os.replace(note, path.with_suffix(".json"))
        os.replace(partial, path)
        return Blob(path, digest)

    # --- digests of archives that carry none ---

    def remembered(self, source: Path) -> dict[str, str]:
        """The digests of the big files in an archive that has not changed since :meth:`remember`."""
        try:
            known = msgspec.json.decode(self._key(source, ".json").read_bytes(), type=_Remembered)
        except (OSError, msgspec.DecodeError):
            return {}
        return known.digests if known.state == _state(source) else {}

    def remember(self, source: Path, digests: dict[str, str]) -> None:
        """Keep the digests for the next time this very file is unpacked."""
        partial = self.owner() / "partial" / uuid.uuid4().hex
        partial.write_bytes(msgspec.json.encode(_Remembered(_state(source), digests)))
        os.replace(partial, self._key(source, ".json"))

    # --- tidying up ---

    def tidy(self, keep: int = KEEP_UNUSED) -> None:
        """Remove what dead processes left, and unused big files beyond ``keep`` bytes, the longest unused first.

        Does nothing while somebody is unpacking; the next call will do.
        """
        with suppress(BlockingIOError), locked(self.root / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            for folder in self.owners.iterdir():
                self._bury(folder)
            self._trim(keep)
            self._forget()

    @staticmethod
    def _bury(folder: Path) -> None:
        with suppress(BlockingIOError, FileNotFoundError), locked(folder / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)

    def _trim(self, keep: int) -> None:
        unused = [path for path in self.blobs.iterdir() if not path.suffix and path.stat().st_nlink == 1]
        for path in sorted(unused, key=_last_used, reverse=True):
            keep -= path.stat().st_size
            if keep < 0:
                path.unlink()
                path.with_suffix(".json").unlink(missing_ok=True)

    def _forget(self) -> None:
        for path in self.archives.iterdir():
            if path.suffix == ".lock" or time.time() - path.stat().st_mtime > REMEMBERED:
                path.unlink()


def _write(path: Path, pieces: Iterable[bytes]) -> tuple[str, Facts]:
    digest, crc, size = hashlib.sha256(), 0, 0
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            crc = zlib.crc32(piece, crc)
            size += len(piece)
    return digest.hexdigest(), Facts(size, crc)


def _last_used(blob: Path) -> float:
    try:
        return blob.with_suffix(".json").stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _state(source: Path) -> tuple[int, int, int]:
    seen = source.stat()
    return seen.st_size, seen.st_mtime_ns, seen.st_ino


@contextmanager
def locked(path: Path, kind: int) -> Iterator[None]:
    """Hold a file lock, shared between threads and processes alike. Raises BlockingIOError when asked not to wait."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
