"""All there is to say about an archive, gathered without running or unpickling anything.

The text form (:mod:`tsnb.archive.report_text`) and the HTML form
(:mod:`tsnb.archive.report_html`) both show this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from tsnb.archive.diff import SIDECAR, roles
from tsnb.archive.manifest import INDEX, MANIFEST
from tsnb.archive.plain import short
from tsnb.archive.read import Archive
from tsnb.archive.tensors import TensorTable, tensors
from tsnb.errors import InvalidModel, NotFound, TsnbError

MAX_SOURCE = 256 << 10
"""Bytes of a source or text that are shown."""

MAX_SOURCE_LINES = 3000
"""Lines of it."""

MAX_SOURCES = 12
"""Python files that are shown beside the handler."""


class FileRow(Struct, frozen=True):
    """A file: its size in bytes, SHA-256, and what it is to the model (``""`` for an extra file)."""

    name: str
    size: int
    sha256: str
    role: str = ""


class Source(Struct, frozen=True):
    """A text file as it is shown; ``cut`` says that it goes on."""

    name: str
    role: str
    text: str
    cut: bool = False


class Report(Struct):
    """An archive that was looked into."""

    path: Path
    model: str
    version: str
    handler: str
    in_archive: bool
    """Whether the handler is a file of the archive; else it is a default handler of the server."""
    manifest: dict[str, Any]
    config: dict[str, Any]
    provenance: dict[str, Any]
    notes: tuple[str, ...]
    files: tuple[FileRow, ...]
    sources: tuple[Source, ...] = ()
    """Handler first, then the model file, then other Python files."""
    texts: tuple[Source, ...] = ()
    """Requirements, model config and manifest as they are written."""
    tensors: dict[str, TensorTable] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return sum(row.size for row in self.files)


def report(archive: Archive) -> Report:
    """Look at everything. Raises InvalidModel, UnsafeArchive."""
    manifest, known = archive.manifest, roles(archive)
    config, notes = _config(archive)
    role_of = {MANIFEST: "manifest", INDEX: "provenance"} | {name: role for role, name in known.items()}
    rows = [
        FileRow(name, archive.files[name], digest, role_of.get(name, "line map" if name.endswith(SIDECAR) else ""))
        for name, digest in sorted(archive.digests().items())
    ]
    tables = tensors(archive)
    return Report(
        path=archive.path,
        model=manifest.entry.model_name or "",
        version=manifest.version,
        handler=manifest.entry.handler or "",
        in_archive="handler" in known,
        manifest=manifest.raw,
        config=config,
        provenance=_provenance(archive),
        notes=(*notes, *_warnings(archive, tables)),
        files=tuple(rows),
        sources=tuple(_sources(archive, known)),
        texts=tuple(
            _source(archive, name, role)
            for role, name in (("requirements", known.get("requirements")), ("config", known.get("config")))
            if name
        )
        + ((_source(archive, MANIFEST, "manifest"),) if MANIFEST in archive.files else ()),
        tensors=tables,
    )


def as_json(found: Report) -> dict[str, Any]:
    """The report as values that JSON can hold. Raises InvalidModel where the archive's own values are none."""
    try:
        config = json.loads(json.dumps(found.config, default=str))  # YAML has keys and values that JSON has not
        whole = msgspec.structs.replace(found, config=config)
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole, enc_hook=str))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidModel(f"{found.path.name} holds values that JSON cannot: {error}.") from error
    plain["files"] = {row["name"]: {key: row[key] for key in ("size", "sha256", "role")} for row in plain["files"]}
    for name, table in found.tensors.items():
        del plain["tensors"][name]["places"]
        plain["tensors"][name]["parameters"] = table.parameters
    return plain


def find_archive(text: str, folders: Mapping[str, Path | None]) -> Path:
    """The archive that a user means: a file, a model's name in one of some folders, or a model folder.

    ``folders`` maps what a folder is called to where it is. Raises NotFound.
    """
    if Path(text).is_file():
        return Path(text)
    for folder in folders.values():
        for suffix in (".mar", ".tar.gz", ".tgz", ""):
            if folder is not None and "/" not in text and (folder / f"{text}{suffix}").exists():
                return folder / f"{text}{suffix}"
    if Path(text).is_dir():
        return Path(text)
    looked = "".join(f", nor in {name} {folder}" for name, folder in folders.items() if folder is not None)
    raise NotFound(f"There is no archive {short(text)}: no such file or folder here{looked}. Give a path.")


def _config(archive: Archive) -> tuple[dict[str, Any], tuple[str, ...]]:
    try:
        return archive.config, archive.notes
    except InvalidModel as error:
        return {}, (error.message,)


def _provenance(archive: Archive) -> dict[str, Any]:
    try:
        return archive.provenance
    except TsnbError:  # too long to be one
        return {}


def _warnings(archive: Archive, tables: dict[str, TensorTable]) -> list[str]:
    missing = [
        f"The manifest names {key} {short(name)}, which is not in the archive."
        for key, name in archive.manifest.entry.files.items()
        if name not in archive.files and key != "configFile"
    ]
    imports = [
        f"Unpickling {short(name)} would import {short(', '.join(table.imports), 400)}. "
        "torch.load(weights_only=True) refuses what it does not know."
        for name, table in tables.items()
        if table.imports
    ]
    return [*missing, *imports]


def _sources(archive: Archive, known: dict[str, str]) -> list[Source]:
    named = [(known[role], role) for role in ("handler", "model") if role in known]
    others = sorted(name for name in archive.files if name.endswith(".py") and name not in dict(named))
    return [_source(archive, name, role) for name, role in [*named, *((name, "") for name in others[:MAX_SOURCES])]]


def _source(archive: Archive, name: str, role: str) -> Source:
    with archive.open(name) as stream:
        data = stream.read(MAX_SOURCE + 1)
    lines = data[:MAX_SOURCE].decode(errors="replace").splitlines()
    cut = len(data) > MAX_SOURCE or len(lines) > MAX_SOURCE_LINES
    return Source(name, role, "\n".join(lines[:MAX_SOURCE_LINES]), cut)
