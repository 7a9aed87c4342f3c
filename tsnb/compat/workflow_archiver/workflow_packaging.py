"""From flags, or the command line of this process, to an archive."""

from __future__ import annotations

import logging
import sys
from argparse import Namespace

from tsnb.archive.workflow import archive_workflow
from tsnb.errors import NotFound, TsnbError

from .arg_parser import ArgParser
from .workflow_packaging_utils import WorkflowExportUtils


def package_workflow(args: Namespace, manifest: str) -> None:
    """Write the archive with this text as its manifest. Raises FileNotFoundError; ends the process where it refuses."""
    try:
        archive_workflow(
            args.workflow_name,
            spec_file=args.spec_file,
            handler=args.handler,
            export_path=args.export_path,
            extra_files=args.extra_files or (),
            force=args.force,
            manifest=manifest,
        )
    except NotFound as error:
        raise FileNotFoundError(error.message) from error
    except TsnbError as error:
        logging.error(error.message)
        sys.exit(1)


def generate_workflow_archive() -> None:
    """What the command does."""
    logging.basicConfig(format="%(levelname)s - %(message)s")
    args = ArgParser.workflow_archiver_args_parser().parse_args()
    package_workflow(args, WorkflowExportUtils.generate_manifest_json(args))
