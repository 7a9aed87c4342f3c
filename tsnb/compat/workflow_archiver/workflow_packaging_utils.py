"""The parts of the archiver that scripts call one by one."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
from argparse import Namespace
from collections.abc import Iterable

from tsnb.archive.workflow import MANIFEST, SUFFIX
from tsnb.archive.write import NAME
from tsnb.compat.model_archiver.model_packaging_utils import ModelExportUtils

from .manifest_components.manifest import Manifest
from .manifest_components.workflow import Workflow
from .workflow_archiver_error import WorkflowArchiverError

WAR_INF, MANIFEST_FILE_NAME = MANIFEST.split("/")


class WorkflowExportUtils:
    """Checks, names, the manifest, and an archive in two steps."""

    clean_temp_files = staticmethod(ModelExportUtils.clean_temp_files)
    make_dir = staticmethod(ModelExportUtils.make_dir)
    directory_filter = staticmethod(ModelExportUtils.directory_filter)

    @staticmethod
    def file_filter(current_file: str, files_to_exclude: set[str]) -> bool:
        """Whether a file is worth keeping: no manifest, archive or by-product, and not excluded."""
        return ModelExportUtils.file_filter(current_file, files_to_exclude) and not current_file.endswith(SUFFIX)

    @staticmethod
    def copy_artifacts(workflow_name: str, artifact_files: Iterable[str | None]) -> str:
        """Copy files, or lists of them with commas, into a new folder of their own, whose path is returned."""
        folder = tempfile.mkdtemp(prefix=f"{workflow_name}-")
        for path in ",".join(each for each in artifact_files if each).split(","):
            shutil.copy(path, folder)
        return folder

    @staticmethod
    def archive(export_file: str, workflow_name: str, workflow_path: str, manifest: str) -> None:
        """Archive a folder with this manifest into the folder ``export_file``; an older archive is replaced."""
        target = WorkflowExportUtils.get_archive_export_path(export_file, workflow_name)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            WorkflowExportUtils.archive_dir(workflow_path, packed)
            packed.writestr(MANIFEST, manifest)

    @staticmethod
    def archive_dir(path: str, dst: zipfile.ZipFile) -> None:
        """Add the files below a folder to an open archive; hidden folders and caches are left out."""
        ModelExportUtils.archive_dir(path, dst, "default", "")

    @staticmethod
    def get_archive_export_path(export_file_path: str, workflow_name: str) -> str:
        """Where an archive goes."""
        return os.path.join(export_file_path, workflow_name + SUFFIX)

    @staticmethod
    def check_war_already_exists(workflow_name: str, export_file_path: str | None, overwrite: bool) -> str:
        """The export path, by default the folder of the moment. Raises WorkflowArchiverError where one is there."""
        folder = export_file_path or os.getcwd()
        path = WorkflowExportUtils.get_archive_export_path(folder, workflow_name)
        if os.path.exists(path) and not overwrite:
            raise WorkflowArchiverError(f"{path} already exists.\nPlease specify --force/-f option to overwrite it.")
        return folder

    @staticmethod
    def check_workflow_name_regex_or_exit(workflow_name: str) -> None:
        """Raise WorkflowArchiverError for a name that no workflow may have."""
        if not re.fullmatch(NAME, workflow_name):
            raise WorkflowArchiverError(
                f"Workflow name contains special characters: {workflow_name!r} does not match ^{NAME}$"
            )

    @staticmethod
    def validate_inputs(workflow_name: str, export_path: str) -> None:
        """Raise WorkflowArchiverError for such a name, or an export path that is no folder."""
        WorkflowExportUtils.check_workflow_name_regex_or_exit(workflow_name)
        if not os.path.isdir(export_path):
            raise WorkflowArchiverError(f"Given export-path {export_path} is not a directory.")

    @staticmethod
    def generate_workflow(workflow_args: Namespace) -> Workflow:
        """The ``workflow`` part of the manifest."""
        return Workflow(workflow_args.workflow_name, workflow_args.spec_file, workflow_args.handler)

    @staticmethod
    def generate_manifest_json(args: Namespace) -> str:
        """The manifest's text."""
        return str(Manifest(WorkflowExportUtils.generate_workflow(args)))
