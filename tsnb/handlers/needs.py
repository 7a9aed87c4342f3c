"""Packages that few handlers need: imported when they are used, with advice where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType


def needed(module: str, package: str, who: str) -> ModuleType:
    """Import ``module``. Raises RuntimeError that names the package to install for ``who``."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not module.startswith(f"{error.name}.") and error.name != module:
            raise
        raise RuntimeError(
            f"{who} needs the package {package}, which is not installed: pip install {package}"
        ) from error
