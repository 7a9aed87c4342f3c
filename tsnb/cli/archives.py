"""Archives on disk: make one (spec 5.3), look into one, compare two. Nothing in them is run."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from tsnb.archive.diff import diff as compare
from tsnb.archive.flags import add_flags
from tsnb.archive.read import open_archive
from tsnb.archive.report import as_json, find_archive, report
from tsnb.archive.report_text import diff_text, report_text
from tsnb.archive.write import archive as write
from tsnb.cli.commands import Run


def archive(parser: argparse.ArgumentParser) -> Run:
    """Every flag of ``torch-model-archiver``."""
    add_flags(parser)
    return _archive


def _archive(args: argparse.Namespace) -> int:
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    write(**vars(args))
    return 0


def inspect(parser: argparse.ArgumentParser) -> Run:
    """One archive, as text or JSON."""
    parser.add_argument("archive", metavar="ARCHIVE", help="a .mar, a .tar.gz, a model folder, or a model's name")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    _add_store(parser)
    return _inspect


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model-store", metavar="DIR", default="model_store", help="where a model's name is looked up")


def _inspect(args: argparse.Namespace) -> int:
    found = report(open_archive(_found(args.archive, args)))
    if args.json:
        print(json.dumps(as_json(found), indent=2))
    else:
        _write(report_text(found))
    return 0


def _found(text: str, args: argparse.Namespace) -> Path:
    return find_archive(text, {"the model store": Path(args.model_store)})


def _write(text: str) -> None:
    """Print what may hold letters that the terminal cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def diff(parser: argparse.ArgumentParser) -> Run:
    """Two archives; exit status 1 where they differ, as ``diff`` has it."""
    parser.add_argument("before", metavar="A")
    parser.add_argument("after", metavar="B")
    _add_store(parser)
    return _diff


def _diff(args: argparse.Namespace) -> int:
    found = compare(*(open_archive(_found(text, args)) for text in (args.before, args.after)))
    _write(diff_text(found, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
    return 1 if found else 0
