"""Write a captured cell as a Python file with a sidecar that maps its lines back to the cells."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsnb.capture.analyse import analyse
from tsnb.capture.pieces import Captured
from tsnb.capture.portable import prelude
from tsnb.errors import CaptureError

SIDECAR = ".tsnb.json"

_LABEL = re.compile(r"# (?:Written by tsnb from |from (?:cell|the notebook)|%%).*\n")
"""Lines that say which run of which cell a text is from. They change although the code does not."""


def digest(text: str) -> str:
    """What a file says, in short. Runs of the same cells make the same digest."""
    return hashlib.sha256(_LABEL.sub("\n", text).encode()).hexdigest()


@dataclass(frozen=True)
class Segment:
    """``count`` lines of the module from ``start`` are the cell file's lines from ``line``. Lines count from 1."""

    start: int
    count: int
    filename: str
    line: int


@dataclass
class Module:
    """A module in the making: text, line map, what to tell the user, and where it came from."""

    name: str
    lines: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Files beside the notebook that the module imports and that travel with it: name in the archive → path."""
    data_files: dict[str, str] = field(default_factory=dict)
    """Files beside the notebook that its text names; they travel where the user says so: name → path."""

    @property
    def source(self) -> str:
        """The text of the file."""
        return "\n".join(self.lines).rstrip("\n") + "\n"

    def add(self, text: str, filename: str = "", line: int = 0) -> None:
        """Append text; with a file name, as a segment of that cell."""
        added = text.split("\n")
        if filename:
            self.segments.append(Segment(len(self.lines) + 1, len(added), filename, line))
        self.lines += added

    def sidecar(self, folder: Path = Path()) -> dict[str, Any]:
        """What stands in ``<name>.tsnb.json``, which may travel: files are named as seen from its folder."""
        segments = [vars(segment) for segment in self.segments]
        return {
            "segments": segments,
            "provenance": self.provenance,
            "files": _seen_from(folder, self.files),
            "data_files": _seen_from(folder, self.data_files),
            "source": digest(self.source),
        }


def assemble(name: str, header: str, captured: Captured, text: str, filename: str, entry: str = "") -> Module:
    """A module from its parts: imports, what was taken along, the cell itself, the entry point."""
    module = Module(name, notices=list(captured.notices))
    module.add(f"# {header}")
    if captured.futures:
        module.add(f"from __future__ import {', '.join(sorted(captured.futures))}")
    if before := prelude(analyse(text, captured.futures).imports | _imports(captured)):
        module.add(before)
    add_captured(module, captured)
    if captured.imports or captured.pieces:
        module.add("")
    if text:
        module.add(text, filename, 1)
    if entry:
        module.add(entry)
    return module


def _imports(captured: Captured) -> frozenset[str]:
    texts = [*captured.imports, *(piece.code for piece in captured.pieces)]
    return frozenset(name for text in texts for name in analyse(text).imports)


def add_captured(module: Module, captured: Captured) -> None:
    """Append imports and definitions, each with the cell it came from."""
    if captured.imports:
        module.add("\n" + "\n".join(captured.imports))
    for piece in captured.pieces:
        label = f"# from {piece.cell.label}" if piece.cell else "# from the notebook"
        module.add(f"\n{label}")
        module.add(piece.code, piece.cell.filename if piece.cell and piece.line else "", piece.line)


def write(module: Module, folder: Path) -> Path:
    """Write ``<name>.py`` and its sidecar into a folder, each atomically; returns the module's path.

    Raises CaptureError when the folder cannot be written.
    """
    path = folder / f"{module.name}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(path.with_name(module.name + SIDECAR), json.dumps(module.sidecar(folder), indent=2) + "\n")
        replace(path, module.source)
    except OSError as error:
        raise CaptureError(f"cannot write {path}: {error.strerror or error}; choose a folder with --path") from error
    return path


def _seen_from(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    return {name: os.path.relpath(path, folder) for name, path in files.items()}


def replace(path: Path, text: str) -> None:
    """Write a file so that readers see the old or the new content, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
