"""``tsnb COMMAND …``: finds the command and turns errors into one line and an exit status.

Exit statuses: 0 done, 1 it did not work, 2 the command line makes no sense.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from tsnb import __version__
from tsnb.errors import TsnbError


class Command(NamedTuple):
    """Where a command lives: ``module`` has ``add_arguments`` and the function ``run``."""

    module: str
    help: str


COMMANDS = {
    "serve": Command("serve", "start the server"),
    "archive": Command("archive", "make a model archive"),
    "inspect": Command("inspect", "show what an archive holds, without running it"),
    "diff": Command("diff", "compare two archives"),
    "new": Command("new", "write the skeleton of a handler"),
    "models": Command("models", "list the models of a server"),
    "predict": Command("predict", "ask a model of a server"),
    "scale": Command("scale", "change how many workers a model has"),
    "unserve": Command("unserve", "take a model from a server"),
    "logs": Command("logs", "show what the workers of a model wrote"),
}


class Parser(argparse.ArgumentParser):
    """Complains in one line on stderr, exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except TsnbError as error:
        print(f"tsnb: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; keep Python from complaining about it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 0


def _run(words: list[str]) -> int:
    name = words[0] if words else ""
    if name in COMMANDS:
        command = COMMANDS[name]
        module = importlib.import_module(f"tsnb.cli.{command.module}")
        parser = Parser(prog=f"tsnb {name}", description=(module.__doc__ or "").split("\n")[0])
        module.add_arguments(parser)
        run: Callable[[argparse.Namespace], int] = module.run
        return run(parser.parse_args(words[1:]))
    _top().parse_args(words or ["--help"])
    return 2


def _top() -> Parser:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items())
    parser = Parser(
        prog="tsnb",
        description="The notebook is the model server.",
        epilog=f"commands:\n{lines}\n\ntsnb COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tsnb {__version__}")
    parser.add_argument("command", choices=list(COMMANDS), metavar="COMMAND")
    return parser
