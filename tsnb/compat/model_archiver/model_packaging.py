"""From a config, or the command line of this process, to an archive."""

from __future__ import annotations

import logging
from dataclasses import asdict

from tsnb.archive.write import archive
from tsnb.errors import NotFound, TsnbError

from .arg_parser import ArgParser
from .model_archiver_config import ModelArchiverConfig
from .model_archiver_error import ModelArchiverError
from .model_packaging_utils import ModelExportUtils


def package_model(config: ModelArchiverConfig, manifest: str) -> None:
    """Write the archive with this text as its manifest. Raises ModelArchiverError, FileNotFoundError."""
    said = asdict(config)
    try:
        archive(said.pop("model_name"), **{**said, "extra_files": config.extra_files or ()}, manifest=manifest)
    except NotFound as error:
        raise FileNotFoundError(error.message) from error
    except TsnbError as error:
        logging.error(error.message)
        raise ModelArchiverError(error.message) from error


def generate_model_archive(config: ModelArchiverConfig | None = None) -> None:
    """Make an archive. Raises ModelArchiverError, FileNotFoundError."""
    logging.basicConfig(format="%(levelname)s - %(message)s")
    wanted = ArgParser.export_model_args_parser() if config is None else config
    package_model(wanted, ModelExportUtils.generate_manifest_json(wanted))
