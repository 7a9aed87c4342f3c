"""``tsnb COMMAND …``: finds the command and turns errors into one line and an exit status.

A command is a function of its name in the module that the table names: it
adds its arguments to a parser and returns what to run. Exit statuses: 0 done,
1 it did not work, 2 the command line makes no sense.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias

from tsnb import __version__
from tsnb.errors import TsnbError

Run: TypeAlias = Callable[[argparse.Namespace], int]

GROUPS = {
    "serve": {
        "serve": ("serve", "start a server, until Ctrl-C"),
        "torchserve": ("torchserve", "start and stop a server as the torchserve command does"),
        "shims": (
            "shims",
            "write torchserve, torch-model-archiver and torch-workflow-archiver commands that call tsnb",
        ),
        "doctor": ("doctor", "check whether this machine can serve"),
    },
    "make and look at archives": {
        "new": ("skeleton", "write the skeleton of a handler"),
        "archive": ("archives", "make a model archive"),
        "workflow-archive": ("workflow_archive", "make a workflow archive"),
        "inspect": ("archives", "show what an archive holds, without running it"),
        "diff": ("archives", "compare two archives"),
    },
    "use a running server": {
        "models": ("remote", "list the models of a server"),
        "predict": ("remote", "ask a model of a server"),
        "register": ("remote", "add a model to a server"),
        "scale": ("remote", "change how many workers a model has"),
        "default": ("remote", "let requests without a version go to another version"),
        "unserve": ("remote", "take a model from a server"),
        "logs": ("remote", "show what the workers of a model wrote"),
    },
}
"""Each command's module in this package, and what it does."""

COMMANDS = {name: command for commands in GROUPS.values() for name, command in commands.items()}


class Parser(argparse.ArgumentParser):
    """Complains in one line on stderr, exit status 2; texts keep their lines."""

    def __init__(self, **said: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **said)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except TsnbError as error:
        print(f"tsnb: {error.message}", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read our output has left; keep Python from complaining about it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"tsnb: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    except SystemExit as leave:  # argparse has said all there is to say
        return leave.code if isinstance(leave.code, int) else 1
    return 1


def _run(words: list[str]) -> int:
    name = words[0] if words else "--help"
    if name not in COMMANDS:
        _top().parse_args([name])
        return 2
    module, purpose = COMMANDS[name]
    parser = Parser(prog=f"tsnb {name}", description=f"{purpose[0].upper()}{purpose[1:]}.")
    run: Run = getattr(importlib.import_module(f"tsnb.cli.{module}"), name.replace("-", "_"))(parser)
    return run(parser.parse_args(words[1:]))


def _top() -> Parser:
    width = max(map(len, COMMANDS))
    groups = [
        "\n".join([f"{title}:", *(f"  {name:{width}}  {purpose}" for name, (_, purpose) in commands.items())])
        for title, commands in GROUPS.items()
    ]
    parser = Parser(
        prog="tsnb",
        usage="tsnb COMMAND … | tsnb --version",
        description="The notebook is the model server. (In a notebook: %load_ext tsnb)",
        epilog="\n\n".join([*groups, "tsnb COMMAND --help says more."]),
    )
    parser.add_argument("--version", action="version", version=f"tsnb {__version__}", help="print it and leave")
    parser.add_argument("command", choices=list(COMMANDS), metavar="COMMAND", help="one of those below")
    return parser
