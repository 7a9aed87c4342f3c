"""Where a module came from: its cell, the cells it took from, the notebook, and the versions it ran with.

:func:`provenance` is recorded when a cell is captured, :func:`surroundings`
when an archive is made. Neither names the user, nor a folder above the
working folder.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tsnb import __version__
from tsnb.capture.analyse import analyse
from tsnb.capture.pieces import Piece

MAX_CELL = 256 << 10
"""Characters of a cell that is kept as it was typed; of a longer one only the hash is."""

GIT_TIMEOUT = 2.0
"""Seconds that git may take for one question; without an answer nothing is recorded."""


def provenance(
    raw: str, number: int | None, modules: Iterable[str], source: str, pieces: Iterable[Piece]
) -> dict[str, Any]:
    """A JSON-able record of a captured cell.

    ``modules`` are the dotted names the code imports, ``source`` the module
    that was written and ``pieces`` what it took from other cells.
    """
    return {
        "cell": raw if len(raw) <= MAX_CELL else None,
        "cell_sha256": sha256(raw),
        "execution_count": number,
        "cells": _cells(pieces),
        "module_sha256": sha256(source),
        "notebook": notebook_file({}).name,
        **versions(),
        "distributions": distributions(modules),
    }


def sha256(text: str) -> str:
    """The SHA-256 of a text's UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _cells(pieces: Iterable[Piece]) -> list[dict[str, Any]]:
    """The cells that pieces came from, in their order: execution count, names taken and hash."""
    found: dict[int, dict[str, Any]] = {}
    facts: dict[str, Any]
    for piece in pieces:
        if piece.cell is not None:
            facts = {"execution_count": piece.cell.number, "sha256": sha256(piece.cell.raw), "names": []}
            found.setdefault(id(piece.cell), facts)["names"] += piece.names
    return list(found.values())


def versions() -> dict[str, str | None]:
    """Of Python, torch and tsnb."""
    return {"python": platform.python_version(), "torch": _version("torch"), "tsnb": __version__}


def surroundings(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """When and where an archive is made: time, versions, notebook (``namespace`` is the user's) and git state."""
    file = notebook_file(namespace)
    found: dict[str, Any] = {}
    if file.name:
        found["notebook"] = file.name
    if file.is_absolute() and file.is_relative_to(Path.cwd()):
        found["notebook_path"] = str(file.relative_to(Path.cwd()))
    state = git(Path.cwd())
    if state:
        found["git"] = state
    return {"created": datetime.now(UTC).isoformat(timespec="seconds"), **versions(), **found}


def notebook_file(namespace: Mapping[str, Any]) -> Path:
    """The notebook as Jupyter or VS Code names it, ``Path()`` when neither does."""
    named = namespace.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    return Path(str(named).removeprefix("RTC:"))


def git(folder: Path) -> dict[str, Any]:
    """The commit of a working folder and whether tracked files differ from it; ``{}`` where git does not say."""
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return {}
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules")
    return {"commit": commit.strip(), "dirty": None if changes is None else bool(changes.strip())}


def _git(folder: Path, *words: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    # No hook of the repository may run, and no lock may disturb a git that runs beside.
    command = [program, "-c", "core.fsmonitor=false", *words]
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours
            command, cwd=folder, env=quiet, capture_output=True, text=True, errors="replace", timeout=GIT_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def distributions(modules: Iterable[str]) -> dict[str, str]:
    """``{distribution: version}`` of the installed packages behind module names."""
    tops = sorted({name.split(".")[0] for name in modules} - sys.stdlib_module_names - {"ts", "tsnb"})
    found = {}
    for top in tops:
        for name in [top] if _version(top) else _providers().get(top, []):
            if version := _version(name):
                found[name] = version
    return found


def imported(handler: str) -> dict[str, str]:
    """:func:`distributions` of what a handler's file imports; ``{}`` for a default handler and for no Python."""
    try:
        return distributions(analyse(Path(handler).read_text(encoding="utf-8")).imports)
    except (OSError, SyntaxError, ValueError):
        return {}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def _providers() -> dict[str, list[str]]:
    return {top: list(names) for top, names in importlib.metadata.packages_distributions().items()}
