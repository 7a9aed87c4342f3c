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
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tsnb.capture.analyse import Analysis, analyse
from tsnb.capture.cells import Cell, Cells, aligned
from tsnb.capture.check import check
from tsnb.capture.collect import collect
from tsnb.capture.entry import entry_code, handler_class
from tsnb.capture.module import Module, assemble
from tsnb.capture.pieces import Captured
from tsnb.capture.provenance import provenance
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
    return module


def local_files(modules: frozenset[str], folder: Path) -> list[str]:
    """Files of modules that lie beside the notebook: a worker finds them only if they travel along."""
    found: dict[str, None] = {}
    queue = sorted(modules)
    for name in queue:
        module = sys.modules.get(name)
        path = _local_file(module, folder) if module is not None else None
        if path is not None and str(path) not in found:
            found[str(path)] = None
            queue.extend(analyse(path.read_text(encoding="utf-8")).imports)
    return list(found)


def _local_file(module: ModuleType, folder: Path) -> Path | None:
    """The file of a single-file module directly in the folder, or None."""
    file = getattr(module, "__file__", None)
    path = Path(file).resolve() if file else None
    return path if path and path.suffix == ".py" and path.parent == folder.resolve() else None


def _futures(shell: InteractiveShell) -> frozenset[str]:
    """Features that earlier cells switched on for the whole session (IPython keeps compiler flags)."""
    import __future__

    names = ("annotations",)
    return frozenset(name for name in names if shell.compile.flags & getattr(__future__, name).compiler_flag)
