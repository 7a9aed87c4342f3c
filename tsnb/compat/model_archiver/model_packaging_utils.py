"""The parts of the archiver that scripts call one by one."""

from __future__ import annotations

import os
import re

from tsnb.archive.collect import DEFAULT_HANDLERS
from tsnb.archive.write import FORMATS, NAME

from .manifest_components.manifest import Manifest
from .manifest_components.model import Model
from .model_archiver_config import ModelArchiverConfig
from .model_archiver_error import ModelArchiverError

archiving_options = {name: suffix for name, (suffix, _) in FORMATS.items()}
model_handlers = dict.fromkeys(DEFAULT_HANDLERS, "")


class ModelExportUtils:
    """Checks, names and the manifest."""

    @staticmethod
    def get_archive_export_path(export_file_path: str, model_name: str, archive_format: str) -> str:
        """Where an archive goes."""
        return os.path.join(export_file_path, model_name + archiving_options[archive_format])

    @staticmethod
    def check_mar_already_exists(
        model_name: str, export_file_path: str | None, overwrite: bool, archive_format: str = "default"
    ) -> str:
        """The export path, by default the folder of the moment. Raises ModelArchiverError where an archive is there."""
        folder = export_file_path or os.getcwd()
        path = ModelExportUtils.get_archive_export_path(folder, model_name, archive_format)
        if os.path.exists(path) and not overwrite:
            raise ModelArchiverError(f"{path} already exists.\nPlease specify --force/-f option to overwrite it.")
        return folder

    @staticmethod
    def check_model_name_regex_or_exit(model_name: str) -> None:
        """Raise ModelArchiverError for a name that no model may have."""
        if not re.fullmatch(NAME, model_name):
            raise ModelArchiverError(f"Model name contains special characters: {model_name!r} does not match ^{NAME}$")

    @staticmethod
    def validate_inputs(model_name: str, export_path: str) -> None:
        """Raise ModelArchiverError for such a name, or an export path that is no folder."""
        ModelExportUtils.check_model_name_regex_or_exit(model_name)
        if not os.path.isdir(export_path):
            raise ModelArchiverError(f"Given export-path {export_path} is not a directory.")

    @staticmethod
    def generate_model(modelcfg: ModelArchiverConfig) -> Model:
        """The ``model`` part of the manifest."""
        return Model(
            model_name=modelcfg.model_name,
            serialized_file=modelcfg.serialized_file,
            model_file=modelcfg.model_file,
            handler=modelcfg.handler,
            model_version=modelcfg.version,
            requirements_file=modelcfg.requirements_file,
            config_file=modelcfg.config_file,
        )

    @staticmethod
    def generate_manifest_json(config: ModelArchiverConfig) -> str:
        """The manifest's text. Raises ValueError for a runtime that does not exist."""
        return str(Manifest(config.runtime, ModelExportUtils.generate_model(config)))
