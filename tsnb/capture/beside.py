"""What lies beside the notebook and a module needs: modules, packages, and data files it names.

A worker has none of it unless it travels in the archive.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from pathlib import Path

from tsnb.capture.analyse import analyse
from tsnb.errors import CaptureError

MAX_FILES = 200
"""Files of one package; a folder with more is no package that somebody keeps beside a notebook."""

DATA_SUFFIXES = {
    *(".csv", ".json", ".npy", ".npz", ".pkl", ".pt"),
    *(".pth", ".safetensors", ".tsv", ".txt", ".yaml", ".yml"),
}
"""What a data file is called, when a module names it without a folder."""


def local_files(modules: Iterable[str], folder: Path) -> dict[str, str]:
    """Files of imported modules that lie beside the notebook: their names in the archive, and where they are.

    Followed through their own imports. Raises CaptureError for a file that is no
    Python, and for a package of too many files.
    """
    found: dict[str, str] = {}
    queue = sorted({name.partition(".")[0] for name in modules})
    for name in queue:
        for path in _files_of(name, folder.resolve()):
            key = path.relative_to(folder.resolve()).as_posix()
            if key not in found:
                found[key] = str(path)
                queue.extend(sorted({one.partition(".")[0] for one in _imports(path)} - set(queue)))
    return found


def _files_of(name: str, folder: Path) -> list[Path]:
    """The files of a top-level module, if it lies directly in the folder."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    path = Path(file).resolve() if file else None
    if path is not None and path.parent == folder and path.suffix == ".py":
        return [path]
    home = folder / name
    if any(Path(place).resolve() == home for place in getattr(module, "__path__", ())):
        return _package(home)
    return []


def _package(home: Path) -> list[Path]:
    files = sorted(path for path in home.rglob("*.py") if "/." not in path.relative_to(home).as_posix())
    if len(files) > MAX_FILES:
        raise CaptureError(
            f"the package {home.name} beside the notebook has {len(files)} files, and at most {MAX_FILES} travel: "
            "install it, and name it in --requirements-file"
        )
    return files


def _imports(path: Path) -> frozenset[str]:
    try:
        return analyse(path.read_text(encoding="utf-8")).imports
    except (SyntaxError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path} is imported and is no valid Python: {error}") from error


def data_files(source: str, folder: Path) -> dict[str, str]:
    """Files beside the notebook that a module's text names: the name it uses, and where they are."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_data(node.value, folder):
            found[node.value] = str((folder / node.value).resolve())
    return found


def _is_data(text: str, folder: Path) -> bool:
    """Whether a text is the relative name of a file that is there (and not a word that happens to be one)."""
    if not 0 < len(text) < 256 or not text.isprintable() or Path(text).is_absolute():
        return False
    if "/" not in text and Path(text).suffix.lower() not in DATA_SUFFIXES:
        return False
    try:
        return (folder / text).is_file()
    except OSError:
        return False
