"""The flags of ``torch-workflow-archiver`` (spec 8.5), for every command line that takes them."""

from __future__ import annotations

from argparse import ArgumentParser


def add_flags(parser: ArgumentParser) -> None:
    """Each flag's destination is the parameter of :func:`tsnb.archive.workflow.archive_workflow` that it sets."""
    add = parser.add_argument
    add("--workflow-name", required=True, metavar="NAME", help="what the workflow is called; names the archive")
    add("--spec-file", required=True, metavar="FILE", help="YAML file with the models and the DAG")
    add("--handler", metavar="FILE", help="Python file with the functions of the DAG")
    add("--export-path", default=".", metavar="DIR", help="existing folder for the archive (default: here)")
    add("--force", "-f", action="store_true", help="replace an archive of that name")
    add("--extra-files", default="", metavar="FILES", help="comma-separated files, folders and wildcards")
