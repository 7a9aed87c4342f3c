"""What all magics do alike: read their options, show help, and fail in one red line."""

from __future__ import annotations

import functools
import shlex
import textwrap
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from IPython.core import magic, magic_arguments
from IPython.core.error import UsageError

from tsnb.errors import TsnbError
from tsnb.magics.errors import rendered, shortened

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tsnb.magics.session import Session


T = TypeVar("T")
Decorator: TypeAlias = Callable[[T], T]

# IPython's decorators, with the types they do not have.
argument: Callable[..., Decorator[Any]] = magic_arguments.argument
arguments: Callable[..., Decorator[Any]] = magic_arguments.magic_arguments
line_magic: Decorator[Any] = magic.line_magic
line_cell_magic: Decorator[Any] = magic.line_cell_magic
no_var_expand: Decorator[Any] = magic.no_var_expand
magics_class: Decorator[Any] = magic.magics_class


_NO_FRAME = 1_000_000
"""A depth that no stack has: only the user's namespace counts, not the magic's own variables."""


class Command(magic.Magics):
    """One magic. ``word`` is its name without percent signs; subclasses define the methods."""

    word = ""
    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self.session = session

    @property
    def parser(self) -> Any:
        """The argument parser of the magic."""
        return getattr(self, self.word).parser

    def expand(self, text: str) -> str:
        """``{x}`` and ``$x`` replaced by the user's variables."""
        expand: Callable[..., str] = self.shell.var_expand
        return expand(text, _NO_FRAME)


class _HelpAsked(Exception):
    pass


def friendly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a magic's method print its help on ``--help`` and end in one red line where it cannot go on."""

    @functools.wraps(function)
    def call(self: Command, *lines: str) -> Any:
        try:
            return function(self, *lines)
        except _HelpAsked:
            print(help_text(self.word, call.__doc__ or ""))  # noqa: T201
            return None
        except TsnbError as error:
            raise rendered(error, self.shell) from None
        except (OSError, KeyboardInterrupt) as error:
            raise shortened(error, _words(self.word, error), self.shell) from None

    return call


def help_text(word: str, made: str) -> str:
    """What IPython makes of the options for its pager, as one reads it; ``%%handler`` is always ``%%``."""
    usage, blank, rest = made.removeprefix("::\n\n").partition("\n\n")
    lines = textwrap.dedent(usage).replace(f"%{word}", f"%%{word}" if word == "handler" else f"%{word}", 1)
    return f"{lines}{blank}{rest}".rstrip()


def _words(word: str, error: OSError | KeyboardInterrupt) -> str:
    if isinstance(error, KeyboardInterrupt):
        return f"%{word} was interrupted; what the server had begun goes on: %models shows it"
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def split(line: str) -> list[str]:
    """A line as words, as a shell would. Raises UsageError."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the line cannot be split into words: {error}") from None


def parse(command: Command, words: list[str]) -> Namespace:
    """The options among the words of a magic's line. Raises UsageError, with the usage."""
    if "--help" in words or "-h" in words:
        raise _HelpAsked
    try:
        options: Namespace = command.parser.parse_args(words)
    except UsageError as error:
        raise UsageError(f"{error} (%{command.word}? shows the help)") from None
    return options


def name_and_version(text: str) -> tuple[str, str | None]:
    """``digits/2.0`` is model digits, version 2.0."""
    name, slash, version = text.partition("/")
    if not name or (slash and not version):
        raise UsageError(f"{text!r} is no model: write NAME or NAME/VERSION")
    return name, version or None
