"""The folder that holds ``ts``: TorchServe's names for what handlers import.

A worker has it on its path before anything else; a notebook kernel gets it by
:func:`offer`, so that a handler cell that imports from ``ts`` runs there too.
"""

from __future__ import annotations

import importlib.util
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def offer() -> None:
    """Make ``import ts`` work in this process, unless a real torchserve is installed here."""
    if FOLDER not in sys.path and importlib.util.find_spec("ts") is None:
        sys.path.append(FOLDER)
        importlib.invalidate_caches()
