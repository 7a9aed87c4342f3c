"""What changed between two archives, found without running or unpickling either."""

from __future__ import annotations

import difflib
from typing import Any

from msgspec import Struct

from tsnb.archive.manifest import INDEX, MANIFEST
from tsnb.archive.read import Archive
from tsnb.archive.tensors import Tensor, TensorTable, tensors

TEXT_SUFFIXES = {".py", ".yaml", ".yml", ".json", ".txt", ".md", ".toml", ".cfg", ".ini", ".csv"}
MAX_TEXT = 1 << 20
"""Bytes of a text file that are compared line by line."""


class FileFacts(Struct, frozen=True):
    """A file's size in bytes and SHA-256."""

    size: int
    sha256: str


class FileChange(Struct, frozen=True):
    """A file that was added (no ``before``), removed (no ``after``) or changed; ``lines`` is a unified diff of text."""

    name: str
    before: FileFacts | None
    after: FileFacts | None
    lines: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``added``, ``removed`` or ``changed``."""
        if self.before is None:
            return "added"
        return "changed" if self.after else "removed"


class ValueChange(Struct, frozen=True):
    """A value of the manifest, its key dotted; None where it is absent."""

    key: str
    before: Any
    after: Any


class TensorChange(Struct, frozen=True):
    """A tensor whose presence, shape or dtype differs."""

    file: str
    name: str
    before: Tensor | None
    after: Tensor | None


class Diff(Struct, frozen=True):
    """All differences; empty ones mean equal archives."""

    files: tuple[FileChange, ...] = ()
    manifest: tuple[ValueChange, ...] = ()
    tensors: tuple[TensorChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.manifest or self.tensors)

    def text(self) -> str:
        """The differences for a terminal."""
        lines = [f"manifest {change.key}: {change.before!r} -> {change.after!r}" for change in self.manifest]
        for file in self.files:
            lines.append(f"{file.kind} {file.name} ({_facts(file.before)} -> {_facts(file.after)})")
            lines += file.lines
        lines += [f"tensor {t.file} {t.name}: {_shape(t.before)} -> {_shape(t.after)}" for t in self.tensors]
        return "\n".join(lines) or "The archives are equal."


def diff(a: Archive, b: Archive) -> Diff:
    """The differences from ``a`` to ``b``. Every file is read, so that no list in an archive can hide a change."""
    before, after = _facts_of(a), _facts_of(b)
    names = [name for name in sorted(before | after) if before.get(name) != after.get(name)]
    return Diff(
        tuple(FileChange(name, before.get(name), after.get(name), _lines(a, b, name)) for name in names),
        _manifest_changes(_flat(a.manifest.raw), _flat(b.manifest.raw)),
        _tensor_changes(tensors(a, names), tensors(b, names)),
    )


def _facts_of(archive: Archive) -> dict[str, FileFacts]:
    digests = archive.digests()
    return {
        name: FileFacts(archive.files[name], digests[name])
        for name in archive.files
        if name in digests and name not in (MANIFEST, INDEX)
    }


def _lines(a: Archive, b: Archive, name: str) -> tuple[str, ...]:
    old, new = _text(a, name), _text(b, name)
    if old is None or new is None:
        return ()
    return tuple(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm=""))


def _text(archive: Archive, name: str) -> list[str] | None:
    """The lines of a text file, none where there is no such file; None for files that are not text."""
    if name not in archive.files:
        return []
    suffix = "." + name.rpartition(".")[2].lower()
    if suffix not in TEXT_SUFFIXES or archive.files[name] > MAX_TEXT:
        return None
    return archive.read(name).decode(errors="replace").splitlines()


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        path: leaf for key in value for path, leaf in _flat(value[key], f"{prefix}.{key}" if prefix else key).items()
    }


def _manifest_changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[ValueChange, ...]:
    changed = [key for key in before | after if before.get(key) != after.get(key)]
    return tuple(ValueChange(key, before.get(key), after.get(key)) for key in changed)


def _tensor_changes(a: dict[str, TensorTable], b: dict[str, TensorTable]) -> tuple[TensorChange, ...]:
    """Only for files whose tables could be read in both archives."""
    changes = []
    for file in sorted(a.keys() & b.keys()):
        if a[file].note or b[file].note:
            continue
        old, new = {t.name: t for t in a[file].tensors}, {t.name: t for t in b[file].tensors}
        changed = [name for name in old | new if old.get(name) != new.get(name)]
        changes += [TensorChange(file, name, old.get(name), new.get(name)) for name in changed]
    return tuple(changes)


def _facts(facts: FileFacts | None) -> str:
    return f"{facts.size} bytes, sha256 {facts.sha256[:12]}" if facts else "absent"


def _shape(tensor: Tensor | None) -> str:
    return f"{tensor.dtype}{list(tensor.shape)}" if tensor else "absent"
