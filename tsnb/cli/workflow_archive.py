"""Make a workflow archive: every flag of ``torch-workflow-archiver`` (spec 8.5)."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from tsnb.archive.workflow import archive_workflow
from tsnb.cli import commands
from tsnb.cli.commands import Run


def workflow_archive(parser: argparse.ArgumentParser) -> Run:
    """The flags."""
    add_flags(parser)
    return _workflow_archive


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Each flag's destination is the parameter of :func:`archive_workflow` that it sets."""
    add = parser.add_argument
    add("--workflow-name", required=True, metavar="NAME", help="what the workflow is called; names the archive")
    add("--spec-file", required=True, metavar="FILE", help="YAML file with the models and the DAG")
    add("--handler", metavar="FILE", help="Python file with the functions of the DAG")
    add("--export-path", default=".", metavar="DIR", help="existing folder for the archive (default: here)")
    add("--force", "-f", action="store_true", help="replace an archive of that name")
    add("--extra-files", default="", metavar="FILES", help="comma-separated files, folders and wildcards")


def _workflow_archive(args: argparse.Namespace) -> int:
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    archive_workflow(**vars(args))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``torch-workflow-archiver``; exit status 1 where it did not work, 2 for a senseless command line."""
    return commands.main(["workflow-archive", *(sys.argv[1:] if argv is None else argv)])
