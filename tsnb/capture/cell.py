"""From the ``%%handler`` cell to its module: prepared before the cell runs, finished after.

Before, because what the cell lacks must be looked up in the namespace as it
was; after, because only then is it known which class handles requests.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.archive.write import NAME
from tsnb.capture.analyse import Analysis, analyse
from tsnb.capture.beside import data_files, local_files
from tsnb.capture.cells import Cell, Cells, aligned
from tsnb.capture.check import check
from tsnb.capture.collect import collect
from tsnb.capture.entry import entry_code, handler_class
from tsnb.capture.module import Module, assemble
from tsnb.capture.notebook import deleted
from tsnb.capture.pieces import Captured
from tsnb.capture.provenance import notebook_file, provenance
from tsnb.capture.source import python_only
from tsnb.errors import CaptureError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_RESERVED = sys.stdlib_module_names | {"torch", "numpy", "ts", "tsnb", "model"}


@dataclass(frozen=True)
class Draft:
    """A cell that was read and resolved, and not yet run."""

    name: str
    cell: Cell
    text: str
    analysis: Analysis
    captured: Captured
    left_out: tuple[str, ...]


def module_name(name: str) -> str:
    """The Python module for a model name: ``my-model`` is ``my_model``. Raises CaptureError."""
    module = re.sub(r"\W", "_", name, flags=re.ASCII)
    module = f"_{module}" if module[:1].isdigit() else module
    if module in _RESERVED:
        raise CaptureError(f"{name} cannot name a handler: {module} is the name of a module that others import")
    return module


def prepare(shell: InteractiveShell, cells: Cells, name: str, raw: str, number: int | None) -> Draft:
    """Read a cell and find what it lacks. Raises SyntaxError and CaptureError; runs nothing."""
    if not re.fullmatch(NAME, name):
        raise CaptureError(
            f"{name!r} cannot name a model: letters, digits, '_', '-' and '.' can, a letter or a digit first"
        )
    module_name(name)
    code = aligned(shell, raw)
    text, left_out = python_only(code, raw)
    analysis = analyse(text, _futures(shell) | analyse(code).futures)
    captured = collect(analysis, cells.newest_first(), dict(shell.user_ns), handler=name)
    return Draft(name, Cell(shell, raw, number), text, analysis, captured, tuple(left_out))


def finish(draft: Draft, namespace: Mapping[str, Any]) -> Module:
    """The module of a cell that was run. Raises CaptureError when it has no handler or would not stand alone."""
    defines = sorted(draft.analysis.defines, key=draft.text.find)
    chosen = handler_class(defines, namespace)
    taken = [name for piece in draft.captured.pieces for name in piece.names if isinstance(namespace.get(name), type)]
    classes = [*taken, *draft.analysis.classes]
    header = f"Written by tsnb from {draft.cell.label} (%%handler {draft.name}). Edit the cell, not this file."
    entry = entry_code(chosen, classes)
    module = assemble(module_name(draft.name), header, draft.captured, draft.text, draft.cell.filename, entry)
    module.notices[:0] = draft.left_out
    check(module.source, module.name)
    imports = analyse(module.source).imports
    module.provenance = provenance(draft.cell.raw, draft.cell.number, imports, module.source, draft.captured.pieces)
    module.files = local_files(imports, Path.cwd())
    module.data_files = data_files(module.source, Path.cwd())
    module.notices += [*_about_files(module), *_about_deleted(draft.captured, notebook_file(namespace))]
    return module


def _about_files(module: Module) -> list[str]:
    """What to tell about data files and ``__file__``."""
    notices = []
    for name in module.data_files:
        place = "" if "/" not in name else f", and open it as {Path(name).name!r}: an archive has it without its folder"
        notices.append(f"{name} is a file beside the notebook: add it with %archive --extra-files {name}{place}")
    if any(use.name == "__file__" for use in analyse(module.source).uses):
        notices.append(
            "__file__ is the module's own file in a worker; a notebook has none. The model's folder is "
            "context.system_properties['model_dir'] in both"
        )
    return notices


def _about_deleted(captured: Captured, notebook: Path) -> list[str]:
    """A notice for each cell that something was taken from and that the notebook no longer has."""
    gone = deleted([piece.cell for piece in captured.pieces if piece.cell], notebook)
    return [
        f"{cell.label} is no longer in the notebook, which alone cannot make this handler again: "
        f"keep {', '.join(names)} in a cell"
        for cell in gone
        if (names := [name for piece in captured.pieces if piece.cell is cell for name in piece.names])
    ]


def _futures(shell: InteractiveShell) -> frozenset[str]:
    """Features that earlier cells switched on for the whole session (IPython keeps compiler flags)."""
    import __future__

    names = ("annotations",)
    return frozenset(name for name in names if shell.compile.flags & getattr(__future__, name).compiler_flag)
