"""An archive as cells again: the way back from :mod:`tsnb.capture.cell`. Nothing of the archive is run.

Where the archive says which cell its handler was written from, and the
handler's file bears it out (same hash, every line of the cell is in it), the
cell comes back as it was typed, with what it took from other cells before it.
Else the handler's source becomes the cell.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tsnb.archive.manifest import INDEX, MANIFEST
from tsnb.archive.origin import cell_of
from tsnb.archive.plain import short
from tsnb.archive.read import Archive
from tsnb.archive.safety import contain
from tsnb.archive.sources import Entry, Reader, pieces, reading
from tsnb.archive.write import NAME
from tsnb.capture.module import SIDECAR
from tsnb.capture.portable import PRELUDE
from tsnb.capture.provenance import sha256
from tsnb.errors import Conflict, InvalidModel, TsnbError

MAX_CELL = 1 << 20
"""Bytes of a source that becomes a cell."""

EXTRA = "extra"
"""The folder, below the one files are written to, for files that have no role."""

_WORD = r"[\w./+-]+"
"""What may stand in a magic's line: nothing that IPython or a shell would take for more than a word."""

_FROM = re.compile(r"# from (cell \[\d+\]|cell|the notebook)\s*")


class Part(Struct, frozen=True):
    """A cell: what it is, and its text."""

    title: str
    source: str


class Exploded(Struct, frozen=True):
    """An archive taken apart. ``files`` maps names in the archive to names below the folder they are written to.

    ``main`` is the number of the cell that matters most: the handler's.
    """

    name: str
    version: str
    cells: tuple[Part, ...]
    main: int
    files: dict[str, str]
    notes: tuple[str, ...] = ()


def explode(archive: Archive, folder: str) -> Exploded:
    """The cells of an archive whose other files go into ``folder``. Raises InvalidModel where a source is no text."""
    name, entry = name_of(archive), archive.manifest.entry
    taken, note = _handler_cells(archive, name)
    model = entry.model_file if entry.model_file in archive.files else None
    files = _files(archive)
    modules = [path for path in files.values() if re.fullmatch(rf"{EXTRA}/[^/]+(\.py|/__init__\.py)", path)]
    beside = [Part("path", f"import sys\n\nsys.path.insert(0, {f'{folder}/{EXTRA}'!r})\n")] if modules else []
    cells = [*beside, *taken]
    if model:
        cells.append(_model_cell(f"{folder}/{files[model]}", _source(archive, model)))
    command, told = _archive_cell(archive, name, folder, files)
    cells.append(command)
    main = len(beside) + len(taken) - 1 if taken else len(cells) - 1
    return Exploded(name, archive.manifest.version, tuple(cells), main, files, (note, *told))


def name_of(archive: Archive) -> str:
    """The model's name, or one made of the archive's where the manifest has none that is fit."""
    said = archive.manifest.entry.model_name or ""
    if re.fullmatch(NAME, said):
        return said
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", archive.path.name.partition(".")[0])
    return stem if re.fullmatch(NAME, stem) else "model"


def _source(archive: Archive, name: str) -> str:
    if archive.files[name] > MAX_CELL:
        raise InvalidModel(f"{short(name)} is {archive.files[name]} bytes long; a cell takes {MAX_CELL}.")
    try:
        return archive.read(name).decode()
    except UnicodeDecodeError as error:
        raise InvalidModel(f"{short(name)} is not UTF-8 text: {error}. It cannot become a cell.") from error


# --- the handler ------------------------------------------------------------------------------------


def _handler_cells(archive: Archive, name: str) -> tuple[list[Part], str]:
    """The handler's cell, after those with what it took along; and where they come from."""
    file = archive.handler_file()
    function = (archive.manifest.entry.handler or "").partition(":")[2]
    if file is None:
        return [], f"handler {short(archive.manifest.entry.handler or '(none)')} is not in the archive: it has no cell"
    source = _source(archive, file)
    cell = cell_of(archive.provenance)
    before = _before_cell(source, cell) if _is_true(archive, source, cell) else None
    if before is not None:
        return [*_taken(before), Part("handler", cell)], "the handler cell is the one that was typed"
    lines = source.splitlines()
    text = "\n".join(lines[1:] if lines and lines[0].startswith("# Written by tsnb") else lines).strip("\n")
    entry = f", whose entry is {short(function)}" if function else ""
    return [Part("handler", f"%%handler {name}\n{text}\n")], f"the handler cell is made of {short(file)}{entry}"


def _is_true(archive: Archive, source: str, cell: str) -> bool:
    """Whether what the archive says of its cell fits the file: the hashes, and every line."""
    said = archive.provenance
    if not cell or said.get("module_sha256") != sha256(source) or said.get("cell_sha256") != sha256(cell):
        return False
    known = {line.rstrip() for line in source.splitlines()}
    return all(line.rstrip() in known for line in cell.strip("\n").split("\n")[1:])


def _before_cell(source: str, cell: str) -> str | None:
    """The part of the module above the cell; None where the cell's first line does not stand in it."""
    first = cell.strip("\n").split("\n")[0]
    lines = source.split("\n")
    if not re.fullmatch(r"%%handler\s[^\n{}$]*", first) or f"# {first}" not in lines:
        return None
    return "\n".join(lines[1 : lines.index(f"# {first}")]).replace(PRELUDE, "")


def _taken(text: str) -> Iterator[Part]:
    """A cell for each cell that something was taken from, and one for the imports before them."""
    title, block = "imports", list[str]()
    for line in text.split("\n"):
        match = _FROM.fullmatch(line)
        if match is None:
            block.append(line)
        elif f"from {match.group(1)}" != title:
            yield from _part(title, block)
            title, block = f"from {match.group(1)}", []
    yield from _part(title, block)


def _part(title: str, lines: list[str]) -> Iterator[Part]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield Part(title, text + "\n")


# --- model, files and the command that puts all together again ----------------------------------------


def _files(archive: Archive) -> dict[str, str]:
    """All but the handler, line maps and what the archiver writes itself."""
    entry = archive.manifest.entry
    named = set(entry.files.values())
    left_out = {MANIFEST, INDEX, archive.handler_file()}
    kept = [name for name in sorted(archive.files) if name not in left_out and not name.endswith(SIDECAR)]
    return {name: name if name in named else f"{EXTRA}/{name}" for name in kept if not name.startswith("MAR-INF/")}


def _model_cell(path: str, source: str) -> Part:
    magic = f"%%writefile {path}\n" if re.fullmatch(_WORD, path) else f"# {short(path)}\n"
    return Part("model", magic + source)


def _archive_cell(archive: Archive, name: str, folder: str, files: dict[str, str]) -> tuple[Part, list[str]]:
    entry = archive.manifest.entry
    said = {
        "--version": archive.manifest.version,
        "--handler": "" if archive.handler_file() else entry.handler or "",
        **{
            option: f"{folder}/{files[file]}" if file in files else ""
            for option, file in (
                ("--serialized-file", entry.serialized_file),
                ("--model-file", entry.model_file),
                ("--requirements-file", entry.requirements_file),
                ("--config-file", entry.config_file),
            )
        },
        "--extra-files": f"{folder}/{EXTRA}" if any(path.startswith(f"{EXTRA}/") for path in files.values()) else "",
    }
    odd = [option for option, value in said.items() if value and not re.fullmatch(_WORD, value)]
    words = [f"{option} {value}" for option, value in said.items() if value and option not in odd]
    notes = [f"{option} is left out of %archive: {short(said[option])!r} is more than a word" for option in odd]
    return Part("archive", " ".join([f"%archive {name}", *words]) + "\n"), notes


# --- writing ----------------------------------------------------------------------------------------


def check_free(folder: Path) -> None:
    """Refuse a folder that holds something. Raises Conflict."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise Conflict(f"{folder} is there already and nothing is overwritten: choose another folder with --to.")


def write_files(archive: Archive, files: dict[str, str], folder: Path) -> None:
    """Write files of an archive into a folder that is there afterwards whole, or not at all.

    Raises Conflict where the folder holds something, TsnbError when the disk is full.
    """
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    needed, free = sum(archive.files.get(name, 0) for name in files), shutil.disk_usage(folder.parent).free
    if needed > free:
        raise TsnbError(f"The files need {needed} bytes in {folder.parent.resolve()}, where {free} are free.")
    making = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    making.mkdir()
    try:
        with reading(archive.path, making) as reader:
            for entry in reader.entries():
                if entry.kind == "file" and entry.name in files:
                    _write(reader, entry, contain(making, files[entry.name]))
        os.rename(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write(reader: Reader, entry: Entry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with reader.open(entry) as stream, target.open("xb") as file:
        file.writelines(pieces(stream))
