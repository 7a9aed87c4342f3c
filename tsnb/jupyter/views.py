"""An archive and a comparison as JupyterLab shows them: values that JSON can hold, and text that hides nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from tsnb.archive.diff import Diff, FileFacts, TensorChange, ValueChange
from tsnb.archive.plain import visible
from tsnb.archive.report import Report, Source, as_json
from tsnb.archive.tensors import Tensor


class FileView(Struct, frozen=True):
    """A file of an archive: size in bytes, SHA-256, and what it is to the model (empty for an extra file)."""

    size: int
    sha256: str
    role: str


class TableView(Struct, frozen=True):
    """The tensors of one file; ``note`` says why there are none to show."""

    tensors: tuple[Tensor, ...]
    note: str
    kind: str
    imports: tuple[str, ...]
    parameters: int


class ArchiveView(Struct, frozen=True):
    """All there is to say about an archive; ``path`` is its contents path."""

    path: str
    model: str
    version: str
    handler: str
    in_archive: bool
    manifest: dict[str, Any]
    config: dict[str, Any]
    provenance: dict[str, Any]
    notes: tuple[str, ...]
    files: dict[str, FileView]
    sources: tuple[Source, ...]
    texts: tuple[Source, ...]
    tensors: dict[str, TableView]


class FileChangeView(Struct, frozen=True):
    """A file that was added, removed, renamed or changed; ``lines`` is a unified diff of text."""

    name: str
    was: str
    kind: str
    before: FileFacts | None
    after: FileFacts | None
    lines: tuple[str, ...]


class DiffView(Struct, frozen=True):
    """All differences of two archives."""

    files: tuple[FileChangeView, ...]
    manifest: tuple[ValueChange, ...]
    config: tuple[ValueChange, ...]
    requirements: tuple[ValueChange, ...]
    tensors: tuple[TensorChange, ...]
    made: tuple[ValueChange, ...]
    notes: tuple[str, ...]


def archive_view(path: str, found: Report) -> ArchiveView:
    """One archive. Raises InvalidModel where its own values cannot be shown."""
    return msgspec.convert({**shown(as_json(found)), "path": path}, ArchiveView)


def diff_view(found: Diff) -> DiffView:
    """Two archives."""
    plain: dict[str, Any] = shown(msgspec.to_builtins(found, enc_hook=str, str_keys=True))
    for change, told in zip(found.files, plain["files"], strict=True):
        told["kind"] = change.kind
    return msgspec.convert(plain, DiffView)


def shown(value: Any) -> Any:
    """The same values with whatever would hide code, or turn its direction, spelled out."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): shown(item) for key, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, (list, tuple)) else value
