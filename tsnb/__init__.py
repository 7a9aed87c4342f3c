"""tsnb makes the notebook the model server.

Importing this package is free: public names are loaded on first use, so that
``%load_ext tsnb``, a worker process and the command line each pay only for
what they touch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "BaseHandler": "tsnb.handlers.base",
    "Context": "tsnb.handlers.context",
    "Client": "tsnb.client",
    "archive": "tsnb.archive.write",
    "open_archive": "tsnb.archive.read",
    "TsnbError": "tsnb.errors",
}

__all__ = ["BaseHandler", "Client", "Context", "TsnbError", "__version__", "archive", "open_archive"]

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it, once."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'tsnb' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make the magics available: ``%load_ext tsnb``."""
    from tsnb.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics and their completions away again: ``%unload_ext tsnb``."""
    from tsnb.magics import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from tsnb.jupyter.extension import TsnbApp

    return [{"module": "tsnb", "app": TsnbApp}]
