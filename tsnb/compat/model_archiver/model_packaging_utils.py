"""The parts of the archiver that scripts call one by one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from tsnb.archive.collect import LEFT_OUT, Collection, handler_name
from tsnb.archive.manifest import MANIFEST
from tsnb.archive.write import FORMATS, NAME, archive_folder
from tsnb.errors import NotFound, TsnbError

from .manifest_components.manifest import Manifest, RuntimeType
from .manifest_components.model import Model
from .model_archiver_config import ModelArchiverConfig
from .model_archiver_error import ModelArchiverError

archiving_options = {name: suffix for name, (suffix, _) in FORMATS.items()}
model_handlers = {
    "base_handler": "anything",
    "text_classifier": "text",
    "image_classifier": "vision",
    "object_detector": "vision",
    "image_segmenter": "vision",
    "dali_image_classifier": "vision",
    "vllm_handler": "text",
    "trt_llm_handler": "text",
}
"""The default handlers, and what their models are about."""

MODEL_SERVER_VERSION = "1.0"
MODEL_ARCHIVE_VERSION = "1.0"
MAR_INF, MANIFEST_FILE_NAME = MANIFEST.split("/")

__all__ = [
    "MANIFEST_FILE_NAME",
    "MAR_INF",
    "MODEL_ARCHIVE_VERSION",
    "MODEL_SERVER_VERSION",
    "ModelExportUtils",
    "RuntimeType",
    "archiving_options",
    "model_handlers",
]


class ModelExportUtils:
    """Checks, names, the manifest, and the two steps of making an archive."""

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

    @staticmethod
    def copy_artifacts(model_name: str, runtime: str, **kwargs: str | None) -> str:
        """Copy the files of an archive into a new folder of their own, whose path is returned.

        ``kwargs`` are ``handler``, ``extra_files`` and files under any other
        name. Raises FileNotFoundError; ModelArchiverError for two of one name.
        """
        given = {name: path for name, path in kwargs.items() if path}
        with _refusing():
            collection = Collection(Path(tempfile.gettempdir()))  # a folder: no file is left out as the archive
            if "handler" in given:
                collection.add_file(handler_name(given.pop("handler"), runtime)[1])
            extra = given.pop("extra_files", "")
            for path in given.values():
                collection.add_file(path)
            collection.add_extra(extra)
        folder = tempfile.mkdtemp(prefix=f"{model_name}-")
        for member in collection.members():
            target = os.path.join(folder, member.name)
            ModelExportUtils.make_dir(os.path.dirname(target))
            shutil.copy2(member.source, target)
        return folder

    @staticmethod
    def archive(
        export_file: str, model_name: str, model_path: str, manifest: str, archive_format: str = "default"
    ) -> None:
        """Archive a folder with this manifest into the folder ``export_file``; an older archive is replaced.

        Raises ModelArchiverError.
        """
        with _refusing():
            archive_folder(
                model_path, model_name, manifest=manifest, export_path=export_file, archive_format=archive_format
            )

    @staticmethod
    def archive_dir(
        path: str, dst: zipfile.ZipFile | tarfile.TarFile | str, archive_format: str, model_name: str
    ) -> None:
        """Add the files below ``path`` to an open zip (or for ``tgz`` tar) file, or to a folder for ``no-archive``."""
        with _refusing():
            collection = Collection(Path(path))
            collection.add_extra([path])
        for member in collection.members():
            if archive_format == "tgz":
                cast("tarfile.TarFile", dst).add(member.source, arcname=f"{model_name}/{member.name}")
            elif archive_format == "no-archive":
                target = os.path.join(cast("str", dst), member.name)
                ModelExportUtils.make_dir(os.path.dirname(target))
                shutil.copy(member.source, target)
            else:
                cast("zipfile.ZipFile", dst).write(member.source, member.name)

    @staticmethod
    def directory_filter(directory: str, unwanted_dirs: Container[str] = LEFT_OUT) -> bool:
        """Whether a folder of this name is archived: hidden and unwanted ones are not."""
        return directory not in unwanted_dirs and not directory.startswith(".")

    @staticmethod
    def file_filter(current_file: str, files_to_exclude: Container[str]) -> bool:
        """Whether a file is worth keeping: no manifest, archive or by-product, and not excluded."""
        unwanted = current_file in files_to_exclude or current_file == MANIFEST_FILE_NAME
        return not unwanted and not current_file.endswith((".pyc", ".DS_Store", ".mar"))

    @staticmethod
    def find_unique(files: Iterable[str], suffix: str) -> str | None:
        """The one file with this suffix, None where there is none. Raises ModelArchiverError for several."""
        found: Sequence[str] = [file for file in files if file.endswith(suffix)]
        if len(found) > 1:
            raise ModelArchiverError(
                f"model-archiver expects only one {suffix} file in the folder. "
                f"Found {len(found)} files {found} in model-path."
            )
        return found[0] if found else None

    @staticmethod
    def clean_temp_files(temp_files: Iterable[str]) -> None:
        """Remove these files."""
        for file in temp_files:
            os.remove(file)

    @staticmethod
    def make_dir(d: str) -> None:
        """Make a folder and those above it, if it is not there."""
        os.makedirs(d, exist_ok=True)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """tsnb's errors as those of torch-model-archiver."""
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(error.message) from error
    except TsnbError as error:
        raise ModelArchiverError(error.message) from error
