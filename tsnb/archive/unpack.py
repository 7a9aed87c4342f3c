"""From an archive to a model folder: atomic, contained, and free for weights that were unpacked before.

Every registration gets a folder of its own, because handlers may write into
it: small files are copies, files of 1 MB and more are hard links to read-only
blobs (:mod:`tsnb.archive.cache`). Blocking: call it in a thread.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from tsnb.archive.cache import Blob, Cache
from tsnb.archive.contents import Notes, config_of, manifest_of
from tsnb.archive.manifest import INDEX
from tsnb.archive.safety import Limits, contain
from tsnb.archive.sources import Entry, Reader, model_folder, pieces, reading
from tsnb.errors import TsnbError, UnsafeArchive

BLOB_SIZE = 1 << 20
"""Files of this size (1 MiB) and more are kept once, by content."""

MAX_INDEX = 16 << 20
"""Bytes of MAR-INF/tsnb.json that are read; a longer one is ignored."""

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 in hexadecimal: the only kind of name a blob may have."""

_made: set[Path] = set()
"""The model folders this process made: the only ones that :func:`discard` removes."""


class Extraction(Struct, frozen=True):
    """A model folder ready to be loaded.

    ``manifest`` is the JSON object of MANIFEST.json, ``{}`` when there is
    none; ``config`` the model config; ``notes`` what the owner should know.
    """

    model_dir: Path
    manifest: dict[str, Any]
    config: dict[str, Any]
    notes: tuple[str, ...] = ()


def extract(source: Path, cache: Path, limits: Limits | None = None) -> Extraction:
    """Unpack an archive into a new folder below ``cache``; a folder as source is used where it is.

    Hand the folder back with :func:`discard`. When this raises, nothing is
    left. Raises NotFound, InvalidModel, UnsafeArchive, or TsnbError when the
    disk is full.
    """
    if source.is_dir():
        return _described(model_folder(source), ())
    house = Cache(cache)
    with house.unpacking(source):
        extraction = _unpack(source, house, limits or Limits())
    house.tidy()
    return extraction


def discard(model_dir: Path) -> None:
    """Remove a folder that :func:`extract` made; any other, as a folder used in place, is left alone."""
    folder = Path(model_dir)
    if folder in _made:
        _made.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)


def empty_folder(cache: Path) -> Path:
    """A new folder below ``cache`` for what belongs to one model; hand it back with :func:`discard`."""
    house = Cache(cache)
    with house.unpacking(cache):
        folder = house.owner() / "models" / uuid.uuid4().hex
        folder.mkdir()
    _made.add(folder)
    return folder


def revise(model_dir: Path, files: Mapping[str, str], cache: Path) -> Extraction:
    """A new model folder: an existing one with some text files written anew. Its big files are shared, not copied.

    Raises UnsafeArchive for a name that leaves the folder, TsnbError when the disk is full.
    """
    house = Cache(cache)
    with house.unpacking(model_dir):
        return _make_folder(model_dir, house, partial(_fill_revised, model_dir, files))


def _fill_revised(model_dir: Path, files: Mapping[str, str], folder: Path) -> Notes:
    shutil.copytree(
        model_dir, folder, copy_function=_share, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    for name, text in files.items():
        target = contain(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # it may be a link to a shared file
        target.write_text(text)
    return ()


def _share(source: str, target: str) -> None:
    """A hard link for a big file, a copy for a small one or across disks."""
    if os.path.getsize(source) >= BLOB_SIZE:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _unpack(source: Path, cache: Cache, limits: Limits) -> Extraction:
    def fill(folder: Path) -> Notes:
        with reading(source, folder, limits) as reader:
            return _Placer(source, cache, folder).place_all(reader)

    return _make_folder(source, cache, fill)


def _make_folder(source: Path, cache: Cache, fill: Callable[[Path], Notes]) -> Extraction:
    """A model folder that is there whole or not at all."""
    owner, name = cache.owner(), uuid.uuid4().hex
    making, final = owner / "partial" / name, owner / "models" / name
    making.mkdir()
    try:
        notes = fill(making)
        extraction = _described(making, notes)
        os.rename(making, final)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            shutil.rmtree(making, ignore_errors=True)  # before counting what is free
            raise _full_disk(source, cache.root) from error
        raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    _made.add(final)
    return msgspec.structs.replace(extraction, model_dir=final)


def _full_disk(source: Path, place: Path) -> TsnbError:
    return TsnbError(
        f"No space left to unpack {source.name}: it has {source.stat().st_size} bytes packed and {place} has "
        f"{shutil.disk_usage(place).free} bytes free. Free some space there, or choose another cache folder."
    )


class _Listed(Struct):
    sha256: Digest


class _Index(Struct):
    files: dict[str, _Listed]


class _Placer:
    """Puts the entries of one archive into one folder."""

    def __init__(self, source: Path, cache: Cache, folder: Path) -> None:
        self._source = source
        self._cache = cache
        self._folder = folder
        self._known: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        self._notes: list[str] = []

    def place_all(self, reader: Reader) -> tuple[str, ...]:
        """Write every entry; links last, as copies of what they mean. The notes come back."""
        links: list[Entry] = []
        entries = list(reader.entries()) if reader.random_access else reader.entries()
        if isinstance(entries, list):
            self._known = listed_digests(reader, entries) | self._cache.remembered(self._source)
        for entry in entries:
            if entry.kind == "link":
                links.append(entry)
            else:
                self._place(reader, entry)
        for link in links:
            self._follow(link)
        if self._taken and reader.random_access:
            self._cache.remember(self._source, self._taken)
        return tuple(self._notes)

    def _place(self, reader: Reader, entry: Entry) -> None:
        target = contain(self._folder, entry.name)
        if entry.kind == "folder":
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.size >= BLOB_SIZE:
            self._link(self._blob(reader, entry), target)
            return
        with reader.open(entry) as stream, target.open("xb") as file:
            file.writelines(pieces(stream))

    def _blob(self, reader: Reader, entry: Entry) -> Blob:
        known = self._known.get(entry.name, "")
        blob = self._cache.find(known, entry.size, entry.crc) if known and entry.crc is not None else None
        if blob is None:
            with reader.open(entry) as stream:
                blob = self._cache.store(pieces(stream))
            if known and blob.sha256 != known:
                self._notes.append(f"{entry.name} is not the file that {INDEX} lists: the archive was edited since.")
        self._taken[entry.name] = blob.sha256
        return blob

    def _link(self, blob: Blob, target: Path) -> None:
        try:
            os.link(blob.path, target)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EXDEV):
                raise
            shutil.copyfile(blob.path, target)
            self._notes.append(f"{target.name} was copied, as the disk of the cache has no hard links.")

    def _follow(self, link: Entry) -> None:
        meant, target = contain(self._folder, link.target), contain(self._folder, link.name)
        if not meant.is_file():
            raise UnsafeArchive(
                f"The archive has a link {link.name!r} to {link.target!r}, which is no file of the archive. "
                "Archive the model again with the file itself."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(meant, target)


def listed_digests(reader: Reader, entries: list[Entry]) -> dict[str, str]:
    """The digests in ``MAR-INF/tsnb.json``, as far as they have the form of one; ``{}`` when there is no such list."""
    index = next((entry for entry in entries if entry.name == INDEX and entry.size <= MAX_INDEX), None)
    if index is None:
        return {}
    with reader.open(index) as stream:
        content = b"".join(pieces(stream))
    try:
        listed = msgspec.json.decode(content, type=_Index).files
    except msgspec.DecodeError:
        return {}
    return {name: file.sha256 for name, file in listed.items()}


def _described(folder: Path, notes: tuple[str, ...]) -> Extraction:
    manifest, missing = manifest_of(partial(_content, folder))
    config, ignored = config_of(manifest, partial(_content, folder))
    return Extraction(folder, manifest.raw, config, notes + missing + ignored)


def _content(folder: Path, name: str) -> bytes | None:
    path = contain(folder, name)
    return path.read_bytes() if path.is_file() else None
