"""The folder that holds ``ts``: TorchServe's names for what handlers import.

A worker has it on its path before anything else; a notebook kernel gets it by
:func:`offer`, so that a handler cell that imports from ``ts`` runs there too.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def offer() -> None:
    """Make ``import ts`` work in this process, unless a real torchserve is installed here."""
    if FOLDER not in sys.path and importlib.util.find_spec("ts") is None:
        sys.path.append(FOLDER)
        importlib.invalidate_caches()


def stand_in(name: str) -> None:
    """Give the package of this name that is being imported, whatever wrote it, the contents of tsnb's."""
    folder = os.path.join(FOLDER, name)
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"tsnb has no package {name}", name=name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
