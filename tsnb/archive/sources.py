"""Archives as streams of entries: zip, gzipped tar, or a plain folder, each checked as it is read.

Nothing here writes to disk and nothing is ever executed.
"""

from __future__ import annotations

import gzip
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from msgspec import Struct

from tsnb.archive.safety import Guard, Limits, contain
from tsnb.errors import InvalidModel, NotFound, UnsafeArchive

CHUNK = 1 << 20
"""Bytes copied at a time."""

MAX_TAR_HEADER = 4 << 20
"""Bytes a tar reader may ask for at once; only a hostile header asks for more."""


class Entry(Struct, frozen=True):
    """One member. ``target`` is the member a link points at, ``crc`` the CRC-32 if the format knows it."""

    name: str
    size: int
    kind: Literal["file", "folder", "link"] = "file"
    crc: int | None = None
    target: str = ""
    raw: Any = None


class Reader(Protocol):
    """An open archive. ``entries`` is read once, in order; ``open`` works best while it is at that entry."""

    random_access: bool

    def entries(self) -> Iterator[Entry]:
        """All members, each checked before it is given out."""

    def open(self, entry: Entry) -> IO[bytes]:
        """The content of a file."""

    def close(self) -> None:
        """Let go of the file."""


class ZipReader:
    """A ``.mar``: a zip. The whole directory is checked before the first entry is given out."""

    random_access = True

    def __init__(self, path: Path, guard: Guard) -> None:
        self._zip = zipfile.ZipFile(path)
        self._guard = guard

    def entries(self) -> Iterator[Entry]:
        """See :class:`Reader`."""
        yield from [self._entry(info) for info in self._zip.infolist()]

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _special(info.orig_filename, "a link" if kind == stat.S_IFLNK else "a device or pipe")
        if info.flag_bits & 1:
            raise InvalidModel(
                f"The archive's entry {info.filename!r} is encrypted. Archive the model without a password."
            )
        folder = info.is_dir()
        name = self._guard.admit(info.orig_filename, info.file_size, folder=folder)
        return Entry(name, info.file_size, "folder" if folder else "file", info.CRC, raw=info)

    def open(self, entry: Entry) -> IO[bytes]:
        """See :class:`Reader`."""
        return self._zip.open(entry.raw)

    def close(self) -> None:
        """See :class:`Reader`."""
        self._zip.close()


class _Gzip(gzip.GzipFile):
    """A gzip stream that refuses to be read in one huge piece, as a forged tar header would have it."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAX_TAR_HEADER:
            raise UnsafeArchive(f"The archive has a header of {size} bytes; {MAX_TAR_HEADER} are allowed.")
        return super().read(size)


class TarReader:
    """A ``.tar.gz``, in one pass; the first component of every name is dropped, as TorchServe does."""

    random_access = False

    def __init__(self, path: Path, guard: Guard) -> None:
        self._gzip = _Gzip(path)
        self._guard = guard
        self._tar: tarfile.TarFile | None = None

    def entries(self) -> Iterator[Entry]:
        """See :class:`Reader`."""
        self._tar = tarfile.TarFile(fileobj=self._gzip)
        for info in self._tar:
            name = _without_top(self._guard.root, info.name, folder=info.isdir())
            if name:
                yield self._entry(info, name)

    def _entry(self, info: tarfile.TarInfo, name: str) -> Entry:
        if info.isdir():
            return Entry(self._guard.admit(name, 0, folder=True), 0, "folder")
        if info.issym() or info.islnk():
            return Entry(self._guard.admit(name, 0), 0, "link", target=self._target(info, name))
        if not info.isreg() or info.sparse is not None:
            raise _special(info.name, "a device, pipe or sparse file")
        return Entry(self._guard.admit(name, info.size), info.size, raw=info)

    def _target(self, info: tarfile.TarInfo, name: str) -> str:
        """The member a link means. A symbolic link counts from its own folder, a hard link from the top."""
        root = self._guard.root
        if info.islnk():
            wanted = _without_top(root, info.linkname, folder=False)
        elif info.linkname.startswith("/"):
            raise _special(info.name, f"a link out of the model's folder, to {info.linkname!r}")
        else:
            wanted = os.path.normpath(os.path.join(os.path.dirname(name), info.linkname))
        try:
            return contain(root, wanted).relative_to(root).as_posix()
        except UnsafeArchive as error:
            raise _special(info.name, f"a link out of the model's folder, to {info.linkname!r}") from error

    def open(self, entry: Entry) -> IO[bytes]:
        """See :class:`Reader`."""
        stream = self._tar.extractfile(entry.raw) if self._tar else None
        if stream is None:
            raise InvalidModel(f"The archive's entry {entry.name!r} has no content. Archive the model again.")
        return stream

    def close(self) -> None:
        """See :class:`Reader`."""
        self._gzip.close()


class FolderReader:
    """A folder that was not archived. It is the user's own and has no limits; links that leave it are left out."""

    random_access = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> Iterator[Entry]:
        """See :class:`Reader`."""
        for folder, folders, files in os.walk(self._path):
            folders.sort()
            for file in sorted(files):
                path = Path(folder, file)
                if path.is_file() and path.resolve().is_relative_to(self._path):
                    yield Entry(path.relative_to(self._path).as_posix(), path.stat().st_size, raw=path)

    def open(self, entry: Entry) -> IO[bytes]:
        """See :class:`Reader`."""
        stream: IO[bytes] = entry.raw.open("rb")
        return stream

    def close(self) -> None:
        """See :class:`Reader`."""


def _without_top(root: Path, name: str, *, folder: bool) -> str:
    """The name without its first component, checked before anything is dropped; "" for the top folder itself."""
    plain = name.rstrip("/")
    if plain != ".":
        contain(root, plain)
    first, slash, rest = plain.partition("/")
    if slash:
        return "" if rest in ("", ".") else rest
    return "" if folder or first == "." else first


def _special(name: str, what: str) -> UnsafeArchive:
    return UnsafeArchive(
        f"The archive has an entry {name[:200]!r}, which is {what}. Archive the model again without it."
    )


def model_folder(path: Path) -> Path:
    """The folder a model lies in: ``path`` itself or, if all it holds is one folder, that one (spec 2.2). No links."""
    folder = path.resolve()
    inside = list(folder.iterdir())
    alone = len(inside) == 1 and inside[0].is_dir() and inside[0].name != "MAR-INF"
    return inside[0].resolve() if alone else folder


@contextmanager
def reading(path: Path, root: Path | None = None, limits: Limits | None = None) -> Iterator[Reader]:
    """Open an archive or folder; every way of being broken becomes InvalidModel.

    ``root`` is where it will be unpacked to, by default nowhere. The first
    bytes tell the format, not the name. Raises NotFound.
    """
    if path.is_dir():
        yield FolderReader(model_folder(path))
        return
    if not path.is_file():
        raise NotFound(f"Model not found at: {path}")
    guard = Guard(root or path, limits, path.stat().st_size)
    with _broken_is_invalid(path):
        reader = _reader(path, guard)
        try:
            yield reader
        finally:
            reader.close()


def _reader(path: Path, guard: Guard) -> Reader:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"\x1f\x8b":
        return TarReader(path, guard)
    if magic[:2] == b"PK":
        return ZipReader(path, guard)
    raise InvalidModel(
        f"{path.name} is neither a zip (.mar) nor a gzipped tar (.tar.gz): it begins with {magic!r}. "
        "Was it downloaded or copied completely?"
    )


class Readable(Protocol):
    """Anything with a file's ``read``."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""


def pieces(stream: Readable) -> Iterator[bytes]:
    """The content of a stream in pieces of at most ``CHUNK`` bytes."""
    while piece := stream.read(CHUNK):
        yield piece


@contextmanager
def _broken_is_invalid(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, struct.error,
        NotImplementedError, RecursionError, OverflowError, ValueError,
    ) as error:  # fmt: skip
        raise InvalidModel(f"{path.name} is broken: {error}. Copy or archive it again.") from error
