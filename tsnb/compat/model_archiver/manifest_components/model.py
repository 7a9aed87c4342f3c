"""The ``model`` part of a manifest."""

from __future__ import annotations

import json
import os
from typing import Any


class Model:
    """What a manifest says of the model; every file is its base name."""

    def __init__(
        self,
        model_name: str,
        serialized_file: str | None,
        handler: str,
        model_file: str | None = None,
        model_version: str | None = None,
        extensions: str | None = None,
        requirements_file: str | None = None,
        config_file: str | None = None,
    ) -> None:
        said: dict[str, Any] = {
            "modelName": model_name,
            "serializedFile": _base(serialized_file),
            "handler": _base(handler),
            "modelFile": _base(model_file),
            "modelVersion": model_version,
            "extensions": extensions,
            "requirementsFile": _base(requirements_file),
            "configFile": _base(config_file),
        }
        self.model_dict = {name: value for name, value in said.items() if value}

    def __str__(self) -> str:
        return json.dumps(self.model_dict)


def _base(path: str | None) -> str | None:
    return os.path.basename(path) if path else None
