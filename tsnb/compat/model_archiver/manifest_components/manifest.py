"""The manifest as an object."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum

from ..version import __version__
from .model import Model


class RuntimeType(Enum):
    """What runs a handler."""

    PYTHON = "python"
    PYTHON3 = "python3"
    LSP = "LSP"


class Manifest:
    """A manifest that is being made now; ``str`` gives the text. Raises ValueError for an unknown runtime."""

    def __init__(self, runtime: str, model: Model) -> None:
        self.runtime = RuntimeType(runtime)
        self.model = model
        self.archiver_version = __version__
        self.manifest_dict = {
            "createdOn": datetime.now().strftime("%d/%m/%Y %H:%M:%S"),
            "runtime": self.runtime.value,
            "model": model.model_dict,
            "archiverVersion": __version__,
        }

    def __str__(self) -> str:
        return json.dumps(self.manifest_dict, indent=2)
