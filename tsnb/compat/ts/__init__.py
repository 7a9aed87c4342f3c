"""``ts``, as published handlers import it: the same names, from tsnb.

Re-exports only. A module that TorchServe has and tsnb has not gives an
ImportError that lists what there is.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

from .version import __version__

__all__ = ["__version__"]


_GONE = dict.fromkeys(
    ("ts.torch_handler.distributed.base_pippy_handler", "ts.handler_utils.distributed.pt_pippy"),
    "PiPPy is no longer developed: use a DeepSpeed or vLLM handler for models that span several GPUs",
) | {
    "ts.async_service": "It reads the socket of TorchServe's Java process. Asynchronous handlers need nothing of it: "
    "set asyncCommunication: true in model-config.yaml"
}
"""Modules that have nothing behind them here, and what to use instead."""


class _Missing(MetaPathFinder):
    """The last to be asked for ``ts.…``: says what tsnb offers."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in _GONE:
            raise ModuleNotFoundError(f"tsnb has no {fullname}. {_GONE[fullname]}", name=fullname)
        if fullname.startswith(f"{__name__}."):
            raise ModuleNotFoundError(
                f"tsnb has no {fullname}. Of TorchServe's modules it offers {', '.join(_offered())}", name=fullname
            )


def _offered() -> list[str]:
    found = pkgutil.walk_packages(__path__, f"{__name__}.")
    return sorted(module.name for module in found if not module.ispkg)


sys.meta_path.append(_Missing())
