"""Which files go into an archive, under which names (spec 5.3)."""

from __future__ import annotations

import glob
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from tsnb.archive.safety import Guard, Limits
from tsnb.errors import BadRequest, Conflict, NotFound

log = logging.getLogger(__name__)

DEFAULT_HANDLERS = (
    "base_handler",
    "text_classifier",
    "image_classifier",
    "object_detector",
    "image_segmenter",
    "dali_image_classifier",
    "vllm_handler",
    "trt_llm_handler",
)
"""Handlers that are part of the server and are never copied."""

LSP_HANDLERS = ("BaseHandler", "TorchScriptHandler")
"""The same for runtime LSP."""

LEFT_OUT = ("__pycache__", "__MACOSX", "MAR-INF")
"""Folders that are never archived; neither are hidden ones. MAR-INF is written anew."""

EVERYTHING = Limits(1 << 62, 1 << 62, 1 << 62)
"""What a person archives herself is bounded by her disk only."""

ExtraFiles = str | Path | Iterable[str | Path]


class Member(Struct, frozen=True):
    """A file to be archived: its name there, and where it is now."""

    name: str
    source: Path


class Collection:
    """The members of an archive that is being put together; names must differ (in more than case)."""

    def __init__(self, target: Path) -> None:
        self._target = target.absolute()
        self._guard = Guard(self._target, EVERYTHING)
        self._members: dict[str, Member] = {}

    def add(self, name: str, source: Path) -> None:
        """One file. The same file a second time is ignored; another of the same name raises Conflict."""
        if not source.is_file():
            raise NotFound(f"File does not exist: {source}")
        if source.absolute() == self._target:  # an older version of the very archive that is being made
            return
        known = self._members.get(name)
        if known is None:
            self._members[self._guard.admit(name, source.stat().st_size)] = Member(name, source)
        elif known.source.resolve() != source.resolve():
            raise Conflict(
                f"Two files would both be called {name!r} in the archive: {known.source} and {source}. Rename one."
            )

    def add_file(self, path: str | Path | None) -> str | None:
        """A file under its base name, which is returned."""
        if path is None:
            return None
        self.add(Path(path).name, Path(path))
        return Path(path).name

    def add_extra(self, extra_files: ExtraFiles) -> None:
        """Files, the contents of folders, and what wildcards match."""
        for path in _expand(_items(extra_files)):
            if path.is_dir():
                for name, file in _walk(path):
                    self.add(name, file)
            else:
                self.add(path.name, path)

    def members(self) -> list[Member]:
        """All members in the order of their names."""
        return [self._members[name] for name in sorted(self._members)]


def handler_name(handler: str | Path, runtime: str) -> tuple[str, Path | None]:
    """The handler as the manifest has it, and its file; None for one that is part of the server.

    ``h``, ``h.py``, ``h:function`` and ``h.py:function`` all mean the file ``h.py``.
    """
    folder, base = os.path.split(str(handler))
    module, _, _ = base.partition(":")
    if not module:
        raise BadRequest(f"The handler {str(handler)!r} names no file. Give a Python file or {_known(runtime)}.")
    if str(handler) in (LSP_HANDLERS if runtime == "LSP" else DEFAULT_HANDLERS):
        return base, None
    suffix = (".dylib" if sys.platform == "darwin" else ".so") if runtime == "LSP" else ".py"
    file = Path(folder, module if module.endswith(suffix) else module + suffix)
    if not file.is_file():
        raise NotFound(f"File does not exist: {file}. Give the handler as a file, or as {_known(runtime)}.")
    return base, file


def _known(runtime: str) -> str:
    return "one of " + ", ".join(LSP_HANDLERS if runtime == "LSP" else DEFAULT_HANDLERS)


def _items(extra_files: ExtraFiles) -> list[str]:
    """The items of a comma-separated string, or of a list as they are."""
    if isinstance(extra_files, str):
        return [item.strip() for item in extra_files.split(",") if item.strip()]
    return [str(item) for item in ([extra_files] if isinstance(extra_files, Path) else extra_files)]


def _expand(items: list[str]) -> Iterator[Path]:
    for item in items:
        if Path(item).exists() or not glob.has_magic(item):
            yield Path(item)
            continue
        found = sorted(glob.glob(item))
        if not found:
            log.warning("Given wildcard pattern did not match any file: %s", item)
        yield from map(Path, found)


def _walk(top: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder, following links but never twice into the same folder."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(top, followlinks=True):
        seen.add(os.path.realpath(folder))
        folders[:] = sorted(name for name in folders if _wanted(name) and _new(folder, name, seen))
        for name in sorted(files):
            file = Path(folder, name)
            yield file.relative_to(top).as_posix(), file


def _wanted(folder: str) -> bool:
    return not folder.startswith(".") and folder not in LEFT_OUT


def _new(folder: str, name: str, seen: set[str]) -> bool:
    return os.path.realpath(os.path.join(folder, name)) not in seen
