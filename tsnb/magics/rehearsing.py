"""A served model in the kernel: the code of its cells, the model folder of its server, the surroundings of a worker."""

from __future__ import annotations

import ast
import json
import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from tsnb.capture.module import SIDECAR
from tsnb.errors import BadRequest

if TYPE_CHECKING:
    from tsnb.messages import ModelStatus, Recorded
    from tsnb.protocol import Load
    from tsnb.worker.rehearsal import Rehearsal


class Place(NamedTuple):
    """Where lines of a module stand: a file name that linecache knows, and how many lines later."""

    filename: str
    shift: int


@contextmanager
def rehearsal(status: ModelStatus, recorded: Recorded, written: Path | None) -> Iterator[Rehearsal]:
    """The model that answered a request, not yet loaded. ``written`` is the module that a %%handler cell wrote for it.

    While it lasts the working folder, the import path and the modules are a
    worker's. Raises BadRequest when the model's folder is not on this machine.
    """
    from tsnb.worker.rehearsal import Rehearsal

    folder = Path(status.spec.model_dir)
    if not folder.is_dir():
        raise BadRequest(
            f"the model folder of {recorded.model} {recorded.version} is not on this machine ({folder}): "
            "%replay ID --server replays it where it is served"
        )
    stem = Path(status.spec.handler.partition(":")[0]).stem
    served = folder / f"{stem}.py"
    code = written if written is not None and written.stem == stem and written.is_file() else served
    with as_worker(folder):
        if served.is_file():
            load_as_cells(stem, code, str(served))
        yield Rehearsal(_order(status, recorded))


def _order(status: ModelStatus, recorded: Recorded) -> Load:
    from tsnb.protocol import Load

    spec = status.spec
    return Load(
        spec.name,
        spec.version,
        spec.model_dir,
        spec.handler,
        _manifest(Path(spec.model_dir)),
        spec.model_config,
        "replay",
        _gpu(status, recorded.worker),
        spec.batch_size,
        spec.service_envelope,
    )


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "MAR-INF" / "MANIFEST.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _gpu(status: ModelStatus, worker: str) -> int | None:
    """The GPU of the worker that answered (or of another one), where this process sees it."""
    from tsnb.worker.rehearsal import visible_gpu

    devices = {each.id: each.device for each in status.workers}
    return visible_gpu(devices.get(worker) or next(iter(devices.values()), "cpu"))


@contextmanager
def as_worker(folder: Path) -> Iterator[None]:
    """The working folder and the import path of a worker; modules that came from the folder are forgotten after."""
    where, path, modules = Path.cwd(), list(sys.path), dict(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(where)
        sys.path[:] = path
        for name, module in list(sys.modules.items()):
            if modules.get(name) is not module and _lies_in(module, folder):
                _put_back(name, modules.get(name))


def _put_back(name: str, module: ModuleType | None) -> None:
    if module is None:
        del sys.modules[name]
    else:
        sys.modules[name] = module


def _lies_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).is_relative_to(folder)


def load_as_cells(name: str, code: Path, file: str) -> None:
    """Import the module in the file ``code`` as ``name``; lines that came from cells keep the names of their cells.

    So tracebacks, ``%debug`` and the breakpoints of JupyterLab's debugger fit what
    the user sees. ``file`` is what the module takes for its own. Raises whatever the module raises.
    """
    source = code.read_text(encoding="utf-8")
    module = ModuleType(name)
    module.__file__ = file
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        for piece in compiled(source, str(code.absolute()), _places(code, source.split("\n"))):
            exec(piece, module.__dict__)  # noqa: S102 - the user's own handler
    except BaseException:
        _put_back(name, before)
        raise


def compiled(source: str, filename: str, places: dict[int, Place]) -> Iterator[Any]:
    """The code of a module, piece by piece: statements that stand together under one file name."""
    tree = ast.parse(source, filename)
    flags = _future_flags(tree)
    home = Place(filename, 0)
    for place, group in groupby(tree.body, lambda statement: places.get(_first_line(statement), home)):
        body = [ast.increment_lineno(statement, place.shift) for statement in group]
        yield compile(ast.Module(body, []), place.filename, "exec", flags=flags, dont_inherit=True)


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    first: int = min([statement.lineno, *(each.lineno for each in decorators)])
    return first


def _future_flags(tree: ast.Module) -> int:
    import __future__

    names = [
        alias.name
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        for alias in statement.names
    ]
    # Each feature has a bit of its own.
    return sum(int(getattr(__future__, name).compiler_flag) for name in set(names))


def _places(code: Path, lines: list[str]) -> dict[int, Place]:
    """Line of a module → where it stands in a cell that this kernel knows and that still says the same."""
    places: dict[int, Place] = {}
    for segment in _segments(code):
        filename, start, line = segment["filename"], segment["start"], segment["line"]
        known = linecache.getlines(filename)[line - 1 : line - 1 + segment["count"]]
        mine = lines[start - 1 : start - 1 + segment["count"]]
        if known and [each.rstrip() for each in known] == [each.rstrip() for each in mine[: len(known)]]:
            place = Place(filename, line - start)
            places.update(dict.fromkeys(range(start, start + segment["count"]), place))
    return places


def _segments(code: Path) -> list[dict[str, Any]]:
    try:
        record = json.loads(code.with_name(code.stem + SIDECAR).read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = record["segments"]
    except (OSError, ValueError, KeyError):
        return []
    return found
