"""Archives on disk: make one (spec 5.3), look into one, compare two. Nothing in them is run."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from typing import Any

import msgspec

from tsnb.archive.diff import diff as compare
from tsnb.archive.read import Archive, open_archive
from tsnb.archive.write import FORMATS, RUNTIMES
from tsnb.archive.write import archive as write
from tsnb.cli.commands import Run


def archive(parser: argparse.ArgumentParser) -> Run:
    """Every flag of ``torch-model-archiver``."""
    add = parser.add_argument
    add("--model-name", required=True, metavar="NAME", help="what the model is called; names the archive")
    add("--version", "-v", required=True, help="version of the model, any text")
    add("--handler", required=True, help="a default handler, or a Python file, FILE:FUNCTION if need be")
    add("--serialized-file", metavar="FILE", help="weights or program: .pt, .pth, .safetensors, .onnx …")
    add("--model-file", metavar="FILE", help="Python file with the model's one class")
    add("--extra-files", default="", metavar="FILES", help="comma-separated files, folders and wildcards")
    add("--runtime", default="python", choices=RUNTIMES)
    add("--export-path", default=".", metavar="DIR", help="where to put the archive (default: here)")
    add("--archive-format", default="default", choices=list(FORMATS))
    add("--force", "-f", action="store_true", help="replace an archive of that name")
    add("--requirements-file", "-r", metavar="FILE", help="packages the model needs")
    add("--config-file", "-c", metavar="FILE", help="model-config.yaml")
    return _archive


def _archive(args: argparse.Namespace) -> int:
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    write(**vars(args))
    return 0


def inspect(parser: argparse.ArgumentParser) -> Run:
    """One archive, as text or JSON."""
    parser.add_argument("archive", metavar="ARCHIVE", help="a .mar, a .tar.gz or a model folder")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    return _inspect


def _inspect(args: argparse.Namespace) -> int:
    found = open_archive(args.archive)
    print(json.dumps(_facts(found), indent=2, ensure_ascii=False) if args.json else _text(found))
    return 0


def _facts(found: Archive) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "manifest": msgspec.to_builtins(found.manifest, str_keys=True),
        "config": found.config,
        "files": found.files,
        "notes": list(found.notes),
        "provenance": found.provenance,
    }


def _text(found: Archive) -> str:
    entry = found.manifest.entry
    width = max((len(f"{size:,}") for size in found.files.values()), default=0)
    lines = [
        f"{found.path}",
        f"  model    {entry.model_name or '(no name)'}, version {found.manifest.version}",
        f"  handler  {entry.handler or '(none)'}{'' if found.handler_file() else ' (not in the archive)'}",
        *(f"  {name:8} {value}" for name, value in found.config.items()),
        *(f"  note     {note}" for note in found.notes),
        *(f"  {size:>{width},}  {name}" for name, size in sorted(found.files.items())),
    ]
    return "\n".join(lines)


def diff(parser: argparse.ArgumentParser) -> Run:
    """Two archives; exit status 1 where they differ, as ``diff`` has it."""
    parser.add_argument("before", metavar="A")
    parser.add_argument("after", metavar="B")
    return _diff


def _diff(args: argparse.Namespace) -> int:
    found = compare(open_archive(args.before), open_archive(args.after))
    sys.stdout.write(found.text() + "\n")
    return 1 if found else 0
