"""What changed between two archives, found without running or unpickling either."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from tsnb.archive.distance import Distance, NotCompared, Values, distance
from tsnb.archive.manifest import INDEX, MANIFEST
from tsnb.archive.plain import short
from tsnb.archive.read import Archive
from tsnb.archive.tensors import Place, Tensor, TensorTable, tensors
from tsnb.errors import InvalidModel

TEXT_SUFFIXES = {".py", ".yaml", ".yml", ".json", ".txt", ".md", ".toml", ".cfg", ".ini", ".csv"}
SIDECAR = ".tsnb.json"
"""Files that map lines back to cells; they follow the code and are not compared line by line."""

MAX_TEXT = 256 << 10
"""Bytes of a text file that are compared line by line."""

MAX_LINES = 5000
"""Lines of such a file: comparing takes time by their square."""

MAX_DEPTH = 8
"""Levels of keys into which values are taken apart; what lies deeper is one value."""

NOT_COMPARED = ("cell", "cell_sha256", "module_sha256", "cells", "sample", "created")
"""Parts of the provenance that say nothing new: the code and the time of making are compared themselves."""


class FileFacts(Struct, frozen=True):
    """A file's size in bytes and SHA-256."""

    size: int
    sha256: str


class FileChange(Struct, frozen=True):
    """A file that was added (no ``before``), removed (no ``after``) or changed; ``lines`` is a unified diff of text.

    ``was`` is its older name where that is another one: handlers, weights and
    other files with a role are compared by their role.
    """

    name: str
    before: FileFacts | None
    after: FileFacts | None
    lines: tuple[str, ...] = ()
    was: str = ""

    @property
    def kind(self) -> str:
        """``added``, ``removed``, ``renamed`` or ``changed``."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "renamed" if self.before == self.after else "changed"


class ValueChange(Struct, frozen=True):
    """A value of the manifest or another mapping, its key dotted; None where it is absent."""

    key: str
    before: Any
    after: Any


class TensorChange(Struct, frozen=True):
    """A tensor whose presence, shape, dtype or values differ; ``note`` says why there is no ``distance``."""

    file: str
    name: str
    before: Tensor | None
    after: Tensor | None
    distance: Distance | None = None
    note: str = ""


class Diff(Struct, frozen=True):
    """All differences; empty ones mean equal archives, made at whatever time and place: ``made`` does not count."""

    files: tuple[FileChange, ...] = ()
    manifest: tuple[ValueChange, ...] = ()
    config: tuple[ValueChange, ...] = ()
    requirements: tuple[ValueChange, ...] = ()
    tensors: tuple[TensorChange, ...] = ()
    made: tuple[ValueChange, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.manifest or self.config or self.requirements or self.tensors)


def diff(a: Archive, b: Archive) -> Diff:
    """The differences from ``a`` to ``b``. Every file is read, so that no list in an archive can hide a change."""
    before, after = _facts_of(a), _facts_of(b)
    pairs = [(old, new) for old, new in _pairs(a, b, before, after) if old != new or before.get(old) != after.get(new)]
    manifest = _changes(a.manifest.raw, b.manifest.raw)
    made = [change for change in manifest if change.key == "createdOn"]
    changed, notes = _tensor_changes(a, b, [pair for pair in pairs if before.get(pair[0]) != after.get(pair[1])])
    return Diff(
        tuple(_file_change(a, b, pair, before, after) for pair in pairs),
        tuple(change for change in manifest if change not in made),
        _changes(_config(a), _config(b)),
        _changes(_requirements(a), _requirements(b)),
        tuple(changed),
        (*made, *_changes(_origin(a), _origin(b))),
        tuple(notes),
    )


# --- files ------------------------------------------------------------------------------------------


def _facts_of(archive: Archive) -> dict[str, FileFacts]:
    digests = archive.digests()
    return {
        name: FileFacts(archive.files[name], digests[name])
        for name in archive.files
        if name in digests and name not in (MANIFEST, INDEX)
    }


def _pairs(a: Archive, b: Archive, before: dict[str, FileFacts], after: dict[str, FileFacts]) -> list[tuple[str, str]]:
    """Older and newer name of each file, ``""`` where there is none, by the newer name."""
    renamed = {
        old: new
        for role, old in roles(a).items()
        if (new := roles(b).get(role)) and old in before.keys() - after.keys() and new in after.keys() - before.keys()
    }
    pairs = [(name, name) for name in before.keys() & after.keys()]
    pairs += [(name, renamed.get(name, "")) for name in before.keys() - after.keys()]
    pairs += [("", name) for name in after.keys() - before.keys() - set(renamed.values())]
    return sorted(pairs, key=lambda pair: pair[1] or pair[0])


def roles(archive: Archive) -> dict[str, str]:
    """What the files are that the manifest names: role → name, of those that are there."""
    entry = archive.manifest.entry
    named = {
        "handler": archive.handler_file(),
        "weights": entry.serialized_file,
        "model": entry.model_file,
        "requirements": entry.requirements_file,
        "config": entry.config_file,
    }
    return {role: name for role, name in named.items() if name and name in archive.files}


def _file_change(
    a: Archive, b: Archive, pair: tuple[str, str], before: dict[str, FileFacts], after: dict[str, FileFacts]
) -> FileChange:
    old, new = pair
    lines = () if before.get(old) == after.get(new) else _lines(a, b, old, new)
    return FileChange(new or old, before.get(old), after.get(new), lines, old if old and new and old != new else "")


def _lines(a: Archive, b: Archive, old: str, new: str) -> tuple[str, ...]:
    one, other = _text(a, old), _text(b, new)
    if one is None or other is None:
        return ()
    return tuple(difflib.unified_diff(one, other, f"a/{old or new}", f"b/{new or old}", lineterm=""))


def _text(archive: Archive, name: str) -> list[str] | None:
    """The lines of a text file, none where there is no such file; None for files that are not text."""
    if not name:
        return []
    suffix = "." + name.rpartition(".")[2].lower()
    if suffix not in TEXT_SUFFIXES or name.endswith(SIDECAR) or archive.files[name] > MAX_TEXT:
        return None
    lines = archive.read(name).decode(errors="replace").splitlines()
    return lines if len(lines) <= MAX_LINES else None


# --- values -----------------------------------------------------------------------------------------


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[ValueChange, ...]:
    old, new = dict(_flat(before)), dict(_flat(after))
    changed = [key for key in old | new if key not in old or key not in new or not _equal(old[key], new[key])]
    return tuple(ValueChange(".".join(short(part, 80) for part in key), old.get(key), new.get(key)) for key in changed)


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, dict) or len(path) >= MAX_DEPTH:
        yield path, value
        return
    for key, item in value.items():
        yield from _flat(item, (*path, str(key)))


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except RecursionError:  # nested too deeply to be compared, and to be meant well
        return False


def _config(archive: Archive) -> dict[str, Any]:
    try:
        return archive.config
    except InvalidModel:  # its lines are compared
        return {}


def _requirements(archive: Archive) -> dict[str, str]:
    """Package → what is asked of it, ``any version`` where nothing is."""
    found = {}
    for line in (archive.requirements or "")[:MAX_TEXT].splitlines():
        said = re.split(r"\s#", line.strip(), maxsplit=1)[0].strip()
        match = re.match(r"([A-Za-z0-9][\w.-]*)(.*)", said)
        if match:
            name = re.sub(r"[-_.]+", "-", match.group(1)).lower()
            found[name] = match.group(2).strip() or "any version"
        elif said and not said.startswith("#"):
            found[said] = "an option"
    return found


def _origin(archive: Archive) -> dict[str, Any]:
    return {key: value for key, value in archive.provenance.items() if key not in NOT_COMPARED}


# --- tensors ----------------------------------------------------------------------------------------


def _tensor_changes(a: Archive, b: Archive, pairs: list[tuple[str, str]]) -> tuple[list[TensorChange], list[str]]:
    """Only for files whose tables can be read in both archives."""
    before, after = tensors(a, [old for old, new in pairs if new]), tensors(b, [new for old, new in pairs if old])
    changes: list[TensorChange] = []
    notes: list[str] = []
    for old, new in pairs:
        if old not in before or new not in after:
            continue
        note = before[old].note or after[new].note
        if note:
            notes.append(f"{new}: its tensors are {note}")
            continue
        with a.seekable(old) as one, b.seekable(new) as other:
            changes += _table_changes(new, _values(before[old], one), _values(after[new], other))
    return changes, notes


def _values(table: TensorTable, stream: Any) -> dict[str, Values]:
    places: tuple[Place | None, ...] = table.places
    return {tensor.name: Values(tensor, place, stream) for tensor, place in zip(table.tensors, places, strict=True)}


def _table_changes(file: str, old: dict[str, Values], new: dict[str, Values]) -> Iterator[TensorChange]:
    for name in old | new:
        one, other = old.get(name), new.get(name)
        before, after = one.tensor if one else None, other.tensor if other else None
        if one is None or other is None or one.tensor.shape != other.tensor.shape:
            yield TensorChange(file, name, before, after)
            continue
        found, note = _apart(one, other)
        if note or before != after or (found and found.differing):
            yield TensorChange(file, name, before, after, found, note)


def _apart(one: Values, other: Values) -> tuple[Distance | None, str]:
    try:
        return distance(one, other), ""
    except NotCompared as error:
        return None, str(error)
