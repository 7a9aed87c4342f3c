"""All that an archive is made of, as one object."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import dataclass, field, fields

from .manifest_components.manifest import RuntimeType

__all__ = ["ModelArchiverConfig", "RuntimeType"]


@dataclass
class ModelArchiverConfig:
    """The flags of ``torch-model-archiver`` under their names; ``export_path`` is the folder of the moment."""

    model_name: str
    handler: str
    version: str
    serialized_file: str | None = None
    model_file: str | None = None
    extra_files: str | None = None
    runtime: str = RuntimeType.PYTHON.value
    export_path: str = field(default_factory=os.getcwd)
    archive_format: str = "default"
    force: bool = False
    requirements_file: str | None = None
    config_file: str | None = None

    @classmethod
    def from_args(cls, args: Namespace) -> ModelArchiverConfig:
        """The config that a parsed command line means."""
        return cls(**{each.name: getattr(args, each.name) for each in fields(cls)})
