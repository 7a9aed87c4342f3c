"""``tsnb shims DIR``: the commands and packages that scripts written for TorchServe call, answered by tsnb."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from tsnb.cli.commands import Run
from tsnb.errors import Conflict

MARK = "Written by `tsnb shims`"
"""Stands in every file that may be written again."""

COMMANDS = {
    "torchserve": "torchserve",
    "torch-model-archiver": "archive",
    "torch-workflow-archiver": "workflow-archive",
}
"""Each command, and the command of tsnb that it calls."""

PACKAGES = ("ts", "model_archiver", "workflow_archiver")

SCRIPT = """\
#!/bin/sh
# {mark}: {name}, answered by tsnb.
exec {python} -P -m tsnb {command} "$@"
"""
PACKAGE = '''\
"""{mark}: the package {name}, answered by tsnb."""

from tsnb.compat import stand_in

stand_in(__name__)
'''


def shims(parser: argparse.ArgumentParser) -> Run:
    """Takes the folder."""
    parser.add_argument(
        "folder", metavar="DIR", type=Path, help="where to write; it goes first on PATH, DIR/python on PYTHONPATH"
    )
    parser.epilog = 'In a shell: eval "$(tsnb shims DIR)"'
    return _shims


def _shims(args: argparse.Namespace) -> int:
    folder = args.folder.absolute()
    files = dict(_files(folder))
    for path in files:
        _check_ours(path)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644 if path.suffix else 0o755)
    print(f"# {', '.join(COMMANDS)} and {', '.join(PACKAGES)} are in {folder}. Use them with:")
    print(f'export PATH={shlex.quote(str(folder))}:"$PATH"')
    print(f'export PYTHONPATH={shlex.quote(str(folder / "python"))}"${{PYTHONPATH:+:$PYTHONPATH}}"')
    return 0


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    python = shlex.quote(sys.executable)
    for name, command in COMMANDS.items():
        yield folder / name, SCRIPT.format(mark=MARK, name=name, python=python, command=command)
    for name in PACKAGES:
        yield folder / "python" / name / "__init__.py", PACKAGE.format(mark=MARK, name=name)


def _check_ours(path: Path) -> None:
    """Raise Conflict for a file that somebody else wrote: the real commands have the same names."""
    if os.path.lexists(path) and (path.is_dir() or MARK.encode() not in path.read_bytes()):
        raise Conflict(f"{path} is there already and is not tsnb's. Choose another folder.")
