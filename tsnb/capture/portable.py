"""Let a handler that imports from tsnb run under TorchServe itself, where tsnb is not installed."""

from __future__ import annotations

from collections.abc import Iterable

PRELUDE = """
try:
    import tsnb
except ImportError:  # under TorchServe, whose own classes do the same
    import sys
    import types

    from ts.context import Context
    from ts.torch_handler.base_handler import BaseHandler

    sys.modules["tsnb"] = types.ModuleType("tsnb")
    sys.modules["tsnb"].BaseHandler, sys.modules["tsnb"].Context = BaseHandler, Context
"""


def prelude(imports: Iterable[str]) -> str:
    """What to write above a module that imports these modules; ``""`` where nothing is needed."""
    return PRELUDE if "tsnb" in imports else ""
