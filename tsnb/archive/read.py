"""Look into an archive, or unpack it. Nothing in it is ever executed or unpickled.

:func:`open_archive` only looks; :func:`extract` and :func:`discard` (from
:mod:`tsnb.archive.unpack`) make and remove model folders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import msgspec

from tsnb.archive.contents import Notes, config_of, manifest_of
from tsnb.archive.manifest import INDEX, Manifest
from tsnb.archive.safety import Limits
from tsnb.archive.seek import seekable
from tsnb.archive.sources import Entry, pieces, reading
from tsnb.archive.unpack import Extraction, discard, extract
from tsnb.errors import NotFound, TsnbError

__all__ = ["Archive", "Extraction", "Limits", "discard", "extract", "open_archive"]

MAX_READ = 64 << 20
"""Bytes of a file that :meth:`Archive.read` brings into memory; larger ones are streamed with :meth:`Archive.open`."""


class Archive:
    """An archive that was looked into; made by :func:`open_archive`.

    ``manifest`` is its manifest (the default one where it has none) and
    ``files`` maps the names of its files to their sizes in bytes. No file
    stays open; every read opens the archive anew.
    """

    def __init__(self, path: Path, limits: Limits | None, files: dict[str, int]) -> None:
        self.path = path
        self.files = files
        self._limits = limits

    def __repr__(self) -> str:
        entry = self.manifest.entry
        size = sum(self.files.values())
        return (
            f"<Archive {self.path}: {entry.model_name} {self.manifest.version}, {len(self.files)} files, {size} bytes>"
        )

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file as a stream. Raises NotFound."""
        with reading(self.path, limits=self._limits) as reader:
            entry: Entry | None = next((entry for entry in reader.entries() if entry.name == name), None)
            if entry is None or entry.kind != "file":
                raise NotFound(f"{self.path.name} has no file {name!r}. It has: {', '.join(sorted(self.files)[:20])}.")
            with reader.open(entry) as stream:
                yield stream

    @contextmanager
    def seekable(self, name: str) -> Iterator[IO[bytes]]:
        """A file as a stream that can be read from anywhere. Raises NotFound."""
        with seekable(self.path, name, self._limits) as stream:
            yield stream

    def read(self, name: str) -> bytes:
        """The content of a file of up to 64 MiB. Raises NotFound."""
        with self.open(name) as stream:
            if self.files.get(name, 0) > MAX_READ:
                raise TsnbError(f"{name} is {self.files[name]} bytes long; use open() for files above {MAX_READ}.")
            return b"".join(pieces(stream))

    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file, computed from its content in one pass."""
        with reading(self.path, limits=self._limits) as reader:
            found = {}
            for entry in reader.entries():
                if entry.kind == "file":
                    with reader.open(entry) as stream:
                        found[entry.name] = _sha256(stream)
            return found

    def _read(self, name: str) -> bytes | None:
        return self.read(name) if name in self.files else None

    def _text(self, name: str | None) -> str | None:
        data = self._read(name) if name else None
        return None if data is None else data.decode(errors="replace")

    @cached_property
    def _described(self) -> tuple[Manifest, Notes]:
        return manifest_of(self._read)

    @cached_property
    def _settings(self) -> tuple[dict[str, Any], Notes]:
        return config_of(self.manifest, self._read)

    @property
    def manifest(self) -> Manifest:
        """The manifest, the default one where the archive has none."""
        return self._described[0]

    @property
    def config(self) -> dict[str, Any]:
        """The model config. Raises InvalidModel where it holds no settings; invalid YAML is ignored, see ``notes``."""
        return self._settings[0]

    @property
    def notes(self) -> Notes:
        """What is odd about this archive, in sentences."""
        return self._described[1] + self._settings[1]

    @property
    def requirements(self) -> str | None:
        """The text of the requirements file that the manifest names."""
        return self._text(self.manifest.entry.requirements_file)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the archive came from, as its maker wrote it; ``{}`` for archives of other tools."""
        try:
            index = msgspec.json.decode(self._read(INDEX) or b"{}", type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            return {}
        origin = index.get("provenance")
        return origin if isinstance(origin, dict) else {}

    def handler_file(self) -> str | None:
        """The name of the handler's file; None for default handlers, which are not in the archive."""
        named = (self.manifest.entry.handler or "").partition(":")[0].rpartition("/")[2].removesuffix(".py")
        return f"{named}.py" if f"{named}.py" in self.files else None

    def handler_source(self) -> str | None:
        """The text of the handler's file; None for default handlers."""
        return self._text(self.handler_file())


def open_archive(path: str | Path, *, limits: Limits | None = None) -> Archive:
    """Look into a ``.mar``, a ``.tar.gz`` or a model folder. Raises NotFound, InvalidModel, UnsafeArchive."""
    with reading(Path(path), limits=limits) as reader:
        files = {entry.name: entry.size for entry in reader.entries() if entry.kind == "file"}
    archive = Archive(Path(path), limits, files)
    _ = archive.manifest  # a broken one is an error now, not at the first look
    return archive


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces(stream):
        digest.update(piece)
    return digest.hexdigest()
