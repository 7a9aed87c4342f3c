"""Where a module came from: the cell's hash and number, the notebook, and the versions it ran with."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

from tsnb import __version__


def provenance(raw: str, number: int | None, modules: Iterable[str]) -> dict[str, Any]:
    """A JSON-able record. ``modules`` are the dotted names the code imports."""
    return {
        "cell_sha256": hashlib.sha256(raw.encode()).hexdigest(),
        "execution_count": number,
        "notebook": os.path.basename(os.environ.get("JPY_SESSION_NAME", "")),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "tsnb": __version__,
        "distributions": distributions(modules),
    }


def distributions(modules: Iterable[str]) -> dict[str, str]:
    """``{distribution: version}`` of the installed packages behind module names."""
    tops = sorted({name.split(".")[0] for name in modules} - sys.stdlib_module_names - {"ts", "tsnb"})
    found = {}
    for top in tops:
        for name in [top] if _version(top) else _providers().get(top, []):
            if version := _version(name):
                found[name] = version
    return found


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def _providers() -> dict[str, list[str]]:
    return {top: list(names) for top, names in importlib.metadata.packages_distributions().items()}
