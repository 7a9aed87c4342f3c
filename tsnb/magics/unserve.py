"""``%unserve NAME``: stop serving a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from tsnb.errors import InvalidModelVersion
from tsnb.magics.base import (
    Command,
    argument,
    arguments,
    friendly,
    line_magic,
    magics_class,
    name_and_version,
    parse,
    split,
)
from tsnb.magics.views import Note

if TYPE_CHECKING:
    from tsnb.client import Client


@magics_class
class UnserveMagic(Command):
    """``%unserve``."""

    word = "unserve"

    @line_magic
    @friendly
    @arguments()
    @argument("name", nargs="?", metavar="NAME[/VERSION]", help="the model (all its versions), or one version of it")
    @argument("--all", action="store_true", help="every model")
    def unserve(self, line: str) -> Note:
        """Stop the workers of a model and forget it. Its archive stays."""
        options = parse(self, split(line))
        if bool(options.name) == options.all:
            raise UsageError("name one model, or say --all")
        name, version = name_and_version(options.name or "*")
        client = self.session.running()
        if options.all:
            names = sorted({status.spec.name for status in client.models()})
            for each in names:
                self.session.forget(each)
            return Note(f"stopped {', '.join(names)}" if names else "nothing was served", *_each(client, names))
        if version is not None:
            said = _remove_one(client, name, version)
            self.session.forget(name, version)
            return Note(said)
        self.session.forget(name)
        return Note(f"stopped {name}", *remove(client, name))


def _remove_one(client: Client, name: str, version: str) -> str:
    try:
        client.unregister(name, version)
    except InvalidModelVersion as error:
        raise InvalidModelVersion(f"{error.message}: choose another with %default {name} VERSION first") from error
    return f"{name} {version} unregistered"


def remove(client: Client, name: str) -> list[str]:
    """Unregister every version, the default one last. Returns a line for each. Raises ModelNotFound."""
    versions = sorted(client.describe(name), key=lambda status: status.default)
    return [_remove_one(client, name, status.spec.version) for status in versions]


def _each(client: Client, names: list[str]) -> list[str]:
    return [said for name in names for said in remove(client, name)]
