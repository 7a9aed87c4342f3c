"""The parts of the archiver that scripts call one by one."""

from __future__ import annotations

import os
import re
from argparse import Namespace

from tsnb.archive.workflow import SUFFIX
from tsnb.archive.write import NAME

from .manifest_components.manifest import Manifest
from .manifest_components.workflow import Workflow
from .workflow_archiver_error import WorkflowArchiverError


class WorkflowExportUtils:
    """Checks, names and the manifest."""

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
