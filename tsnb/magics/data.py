"""The data a line names for a model: a file, a literal, or an expression in the user's namespace."""

from __future__ import annotations

import json
import re
import shlex
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.errors import BadRequest
from tsnb.messages import Parameter, Request

if TYPE_CHECKING:
    from tsnb.magics.base import Command

_FILE_LIKE = re.compile(r"^[\w.~/\\$ {}:-]+\.\w{1,8}$")

_BARE = re.compile(r"^\w[\w .,!?'-]*$")

CHECK = "check-"
"""How the ids of requests begin that a ``--check`` made."""

_CHECK = re.compile(r"(?:^|\s)--check(?:\s+|=)(.*?)\s*(?=\s--[a-z]|$)")


def value_of(command: Command, text: str) -> Any:
    """The data that ``text`` stands for. Raises BadRequest that says why it stands for none."""
    if (path := _file(text)) is not None:
        return path
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return eval(text, command.shell.user_global_ns, command.shell.user_ns)  # noqa: S307 - the user's own words
    except Exception as error:
        return _expanded(command, text, error)


def split_check(line: str) -> tuple[str, str]:
    """A line without its ``--check DATA``, and DATA word for word: it goes on to the next option."""
    match = _CHECK.search(line)
    if match is None:
        return line, ""
    return line[: match.start()] + line[match.end() :], match.group(1)


def checks_of(command: Command, text: str) -> tuple[Request, ...]:
    """The request that ``--check`` names, if it names one. Raises BadRequest."""
    if not text:
        return ()
    from tsnb.client.payload import encode

    body, content_type = encode(value_of(command, text))
    parameter = Parameter("body", body, content_type.partition(";")[0])
    return (Request(f"{CHECK}{uuid.uuid4()}", {"content-type": content_type}, (parameter,)),)


def _expanded(command: Command, text: str, error: Exception) -> Any:
    """``$name`` and ``{name}`` in a file's name; else why the expression failed."""
    expanded = command.expand(text)
    if expanded != text and (path := _file(expanded)) is not None:
        return path
    if _FILE_LIKE.match(text):
        raise BadRequest(f"there is no file {expanded} in {Path.cwd()} (and no such expression: {error})") from None
    quoted = f' (text goes in quotes: "{text}")' if _BARE.match(text) else ""
    raise BadRequest(f"{text} is no file and fails as an expression: {type(error).__name__}: {error}{quoted}") from None


def _file(text: str) -> Path | None:
    """The file a text names, quoted or not, if there is one."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    for candidate in (text, *(words if len(words) == 1 else ())):
        try:
            path = Path(candidate).expanduser()
            if path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):
            continue
    return None
