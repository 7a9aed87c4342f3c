"""Writes ``src/wire.ts``: the structs that travel between the notebook server and JupyterLab, as TypeScript.

Run by ``make labextension``. A test compares: whatever the TypeScript names must be so in Python.
"""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

import msgspec

from tsnb.archive import diff, distance, report, tensors
from tsnb.engine.api import Scaled
from tsnb.engine.placement import Device
from tsnb.jupyter import archives, overview, views
from tsnb.messages import Failure, Frame, LogLine

TARGET = Path(__file__).parent / "src" / "wire.ts"

HEAD = """/**
 * What travels between the notebook server and this page. Written by wire.py from the structs in Python: do not edit.
 */
"""

STRUCTS: tuple[type, ...] = (
    *(Frame, Failure, LogLine, Device, Scaled),
    *(overview.Worker, overview.Version, overview.Crash, overview.Totals, overview.Change, overview.Overview),
    *(report.Source, tensors.Tensor, distance.Distance),
    *(diff.FileFacts, diff.ValueChange, diff.TensorChange),
    *(views.FileView, views.TableView, views.ArchiveView, views.FileChangeView, views.DiffView),
    *(archives.Order, archives.Made),
)

PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", Any: "unknown"}
OPTIONAL = {archives.Order}
"""Structs of which only the fields without a default must be given: those that the page sends."""


def interfaces() -> dict[str, dict[str, str]]:
    """Every struct's fields and their types in TypeScript; a field that may be left out ends in ``?``."""
    return {struct.__name__: fields(struct) for struct in STRUCTS}


def fields(struct: type) -> dict[str, str]:
    """Field → type."""
    hints = typing.get_type_hints(struct)
    found = {}
    for each in msgspec.structs.fields(struct):
        left_out = struct in OPTIONAL and not each.required
        found[each.encode_name + ("?" if left_out else "")] = typescript(hints[each.name])
    return found


def typescript(hint: Any) -> str:
    """A type as TypeScript writes it. Raises TypeError for one that has no form there."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " | ".join(f"'{word}'" for word in parts)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(typescript(part) for part in parts)
    if origin in (tuple, list):
        return f"{typescript(parts[0])}[]"
    if origin is dict:
        return f"Record<string, {typescript(parts[1])}>"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint.__name__
    raise TypeError(f"{hint} has no form in TypeScript; give it one in {Path(__file__).name}.")


def text() -> str:
    """The whole file."""
    blocks = []
    for name, found in interfaces().items():
        lines = "".join(f"  {field}: {kind};\n" for field, kind in found.items())
        blocks.append(f"export interface {name} {{\n{lines}}}\n")
    return "\n".join([HEAD, *blocks])


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
