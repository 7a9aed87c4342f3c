"""The three ways of writing an archive's members: zip, gzipped tar, folder. All hash while they copy."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct, field

from tsnb.archive.collect import Member
from tsnb.archive.manifest import INDEX, MANIFEST
from tsnb.archive.sources import pieces
from tsnb.archive.unchanged import Known, copy, state

STORED_SIZE = 1 << 20
"""Members of this size (1 MiB) and more are never compressed: weights do not shrink, and loading would have to wait."""

STORED_SUFFIXES = {".pt", ".pth", ".bin", ".safetensors", ".onnx", ".so"}
"""Members that are never compressed, whatever their size."""


class Contents(Struct):
    """What goes into an archive. ``digests`` fills up while the members are written.

    ``known`` are big members whose digests were taken when an older archive was written.
    """

    name: str
    manifest: bytes
    members: list[Member]
    provenance: dict[str, Any]
    created: datetime
    known: dict[str, Known] = field(default_factory=dict)
    digests: dict[str, dict[str, Any]] = field(default_factory=dict)

    def index(self) -> bytes:
        """``MAR-INF/tsnb.json``, complete once every member was written."""
        from tsnb import __version__

        index = {"files": self.digests, "provenance": self.provenance, "tsnb": __version__}
        return msgspec.json.format(msgspec.json.encode(index), indent=2)


class _Hashing:
    """A file that remembers the digest of what was read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        """As a file's read."""
        piece = self._file.read(size)
        self._digest.update(piece)
        self._size += len(piece)
        return piece

    def facts(self, seen: str = "") -> dict[str, Any]:
        """Digest and size of what was read, and the file's state then (see :mod:`tsnb.archive.unchanged`)."""
        facts = {"sha256": self._digest.hexdigest(), "size": self._size}
        return {**facts, "state": seen} if seen and self._size >= STORED_SIZE else facts


def is_stored(member: Member) -> bool:
    """Whether a member goes in uncompressed even in the default format."""
    return member.source.suffix.lower() in STORED_SUFFIXES or member.source.stat().st_size >= STORED_SIZE


def pack_zip(path: Path, contents: Contents, *, deflate: bool) -> None:
    """A ``.mar``: the manifest first, the members by name, the index last."""
    small = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "x") as target:
        target.writestr(_zip_info(MANIFEST, contents.created, small), contents.manifest)
        for name, known in contents.known.items():
            _add_known(target, contents, next(each for each in contents.members if each.name == name), known)
        for member, source in _sources(contents):
            info = _zip_info(member.name, _modified(member), zipfile.ZIP_STORED if is_stored(member) else small)
            info.file_size = member.source.stat().st_size  # tells zipfile whether it needs 64-bit sizes
            with target.open(info, "w") as file:
                file.writelines(pieces(source))
        target.writestr(_zip_info(INDEX, contents.created, small), contents.index())


def _add_known(target: zipfile.ZipFile, contents: Contents, member: Member, known: Known) -> None:
    """Add a member whose checksum is known, without looking at its bytes."""
    info = _zip_info(member.name, _modified(member), zipfile.ZIP_STORED)
    info.file_size = info.compress_size = known.size
    info.CRC = known.crc
    file = target.fp
    assert file is not None  # noqa: S101 (it is open)
    file.seek(target.start_dir)
    info.header_offset = file.tell()
    file.write(info.FileHeader())
    with member.source.open("rb") as source:
        copy(source, file, known.size)
    target.start_dir = file.tell()
    target.filelist.append(info)
    target.NameToInfo[info.filename] = info
    contents.digests[member.name] = {"sha256": known.sha256, "size": known.size, "state": known.state}


def _zip_info(name: str, modified: datetime, method: int) -> zipfile.ZipInfo:
    # A zip knows the years from 1980 to 2107.
    moment = min(max(modified, datetime(1980, 1, 1)), datetime(2107, 12, 31))
    info = zipfile.ZipInfo(name, moment.timetuple()[:6])
    info.compress_type = method
    info.external_attr = 0o100644 << 16
    return info


def pack_tar(path: Path, contents: Contents) -> None:
    """A ``.tar.gz`` with everything below one folder. Compressed lightly: what is big in it does not shrink."""
    moment = contents.created.timestamp()
    with (
        path.open("xb") as file,
        gzip.GzipFile("", "wb", fileobj=file, compresslevel=1, mtime=moment) as stream,
        tarfile.TarFile(fileobj=stream, mode="w") as target,
    ):
        _add_bytes(target, contents, MANIFEST, contents.manifest)
        for member, source in _sources(contents):
            info = _tar_info(contents, member.name, member.source.stat().st_size, _modified(member))
            target.addfile(info, source)
        _add_bytes(target, contents, INDEX, contents.index())


def _add_bytes(target: tarfile.TarFile, contents: Contents, name: str, data: bytes) -> None:
    target.addfile(_tar_info(contents, name, len(data), contents.created), io.BytesIO(data))


def _tar_info(contents: Contents, name: str, size: int, modified: datetime) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"{contents.name}/{name}")
    info.size, info.mtime, info.mode = size, int(modified.timestamp()), 0o644
    return info


def pack_folder(path: Path, contents: Contents) -> None:
    """A folder, for ``no-archive``."""
    (path / "MAR-INF").mkdir(parents=True)
    (path / MANIFEST).write_bytes(contents.manifest)
    for member, source in _sources(contents):
        target = path / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.writelines(pieces(source))
    (path / INDEX).write_bytes(contents.index())


def _sources(contents: Contents) -> Iterator[tuple[Member, _Hashing]]:
    for member in contents.members:
        if member.name in contents.digests:
            continue
        before = state(member.source)
        with member.source.open("rb") as file:
            source = _Hashing(file)
            yield member, source
        contents.digests[member.name] = source.facts(before if before == state(member.source) else "")


def _modified(member: Member) -> datetime:
    return datetime.fromtimestamp(member.source.stat().st_mtime)
