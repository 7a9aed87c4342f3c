"""The class of a live model as files: from the notebook's cells, or from where it is installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsnb.capture.analyse import analyse
from tsnb.capture.beside import local_files
from tsnb.capture.cell import module_name
from tsnb.capture.cells import Cells
from tsnb.capture.check import check
from tsnb.capture.collect import collect
from tsnb.capture.module import Module, add_captured, write
from tsnb.capture.pieces import Captured
from tsnb.errors import CaptureError

_WRAPPER = '''

class {name}Model({name}):
    """{name} as it was built in the notebook. TorchServe builds a model without arguments."""

    def __init__(self):
        super().__init__{call}
'''


@dataclass
class Source:
    """Where a class comes from: its name, how to import it, or the cells that define it."""

    name: str
    statement: str = ""
    captured: Captured | None = None
    parts: str = ""
    alone: bool = False
    """Whether it is the only class among what was captured."""
    files: list[Path] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """In words, for the user."""
        if self.captured is None:
            return f"class from {self.statement.split()[1]}"
        labels = dict.fromkeys(piece.cell.label for piece in self.captured.pieces if piece.cell)
        return f"class from {', '.join(labels)}"

    def write(self, folder: Path, module: str, call: str) -> list[Path]:
        """Write the model file, which holds one class, and the files it needs; the model file comes first."""
        header = f"# Written by tsnb: {self.name}{call}, captured from a notebook."
        if self.captured is not None and self.alone and call == "()":
            return [write(_module(module, header, self.captured), folder)]
        others = []
        if self.captured is not None:
            others = [write(_module(self.parts, header, self.captured), folder)]
        model = Module(module)
        model.add(header)
        model.add(f"\n{self.statement}")
        model.add(_WRAPPER.format(name=self.name, call=call).rstrip("\n"))
        return [write(model, folder), *others]


def class_source(net: Any, name: str, cells: Cells, namespace: Mapping[str, Any]) -> Source:
    """The source of a model's class. Raises CaptureError when it cannot travel."""
    cls = type(net)
    if cls.__module__ == "__main__":
        return _from_cells(cls, name, cells, namespace)
    module = sys.modules.get(cls.__module__)
    if "." in cls.__qualname__ or getattr(module, cls.__qualname__, None) is not cls:
        raise CaptureError(f"{cls.__qualname__} is not at the top level of {cls.__module__}")
    files = _local(cls)
    return Source(cls.__name__, f"from {cls.__module__} import {cls.__name__}", files=files)


def _from_cells(cls: type, name: str, cells: Cells, namespace: Mapping[str, Any]) -> Source:
    if "." in cls.__qualname__ or not isinstance(namespace.get(cls.__name__), type):
        raise CaptureError(f"{cls.__qualname__} is no class at the top level of a cell")
    captured = collect(
        analyse(cls.__name__), cells.newest_first(), namespace, handler=name, where=f"{cls.__name__} as the model, line"
    )
    classes = [one for piece in captured.pieces for one in piece.names if isinstance(namespace.get(one), type)]
    parts = module_name(f"{name}_parts")
    files = _flat(local_files(_imports(captured), Path.cwd()))
    return Source(
        cls.__name__,
        f"from {parts} import {cls.__name__}",
        captured,
        parts,
        alone=classes == [cls.__name__],
        files=files,
        notices=captured.notices,
    )


def _module(name: str, header: str, captured: Captured) -> Module:
    module = Module(name)
    module.add(header)
    add_captured(module, captured)
    check(module.source, name)
    return module


def _imports(captured: Captured) -> frozenset[str]:
    return frozenset(name for text in captured.imports for name in analyse(text).imports)


def _local(cls: type) -> list[Path]:
    """The file of a class that lies beside the notebook. Raises CaptureError for a package there."""
    here = Path.cwd().resolve()
    file = Path(getattr(sys.modules[cls.__module__], "__file__", None) or "/").resolve()
    if not file.is_relative_to(here) or "site-packages" in file.parts:
        return []
    return _flat(local_files({cls.__module__}, here))


def _flat(files: Mapping[str, str]) -> list[Path]:
    """Files that a model's class needs. Raises CaptureError for those of a package: a model file's parts lie flat."""
    inside = next((name for name in files if "/" in name), None)
    if inside is not None:
        raise CaptureError(f"{inside} belongs to a package beside the notebook, which does not travel with a class")
    return [Path(path) for path in files.values()]
