"""``%models``: everything that is served."""

from __future__ import annotations

from typing import Any

from tsnb.magics.base import Command, arguments, friendly, line_magic, magics_class, parse, split
from tsnb.magics.views import Note


@magics_class
class ModelsMagic(Command):
    """``%models``."""

    word = "models"

    @line_magic
    @friendly
    @arguments()
    def models(self, line: str) -> Any:
        """List the served models with their versions and workers."""
        parse(self, split(line))
        client = self.session.connection.find()
        if client is None:
            return Note("no server runs", "%serve NAME starts one")
        self.session.served.update(status.spec.name for status in client.models())
        from tsnb.widgets import models_table

        return models_table(client)
