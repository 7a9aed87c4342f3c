"""Archives that a stranger might send, made by hand."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import torch


class Gadget:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def saved(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def mar(path: Path, files: dict[str, bytes | str], model: dict[str, Any] | None = None, **provenance: Any) -> Path:
    """A zip with a manifest, unless ``model`` is None, and a provenance, if any."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        if model is not None:
            target.writestr("MAR-INF/MANIFEST.json", json.dumps({"runtime": "python", "model": model}))
        if provenance:
            target.writestr("MAR-INF/tsnb.json", json.dumps({"files": {}, "provenance": provenance}))
        for name, content in files.items():
            target.writestr(name, content)
    return path
