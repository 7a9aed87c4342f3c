"""Make a workflow archive: every flag of ``torch-workflow-archiver`` (spec 8.5)."""

from __future__ import annotations

import argparse
import logging

from tsnb.archive.workflow import archive_workflow
from tsnb.archive.workflow_flags import add_flags
from tsnb.cli.commands import Run


def workflow_archive(parser: argparse.ArgumentParser) -> Run:
    """The flags."""
    add_flags(parser)
    return _workflow_archive


def _workflow_archive(args: argparse.Namespace) -> int:
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    archive_workflow(**vars(args))
    return 0
