"""What the magics of one kernel share: its cells, its handlers and archives, and the way to a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, magics_class
from traitlets import Float, Unicode

from tsnb.capture.cells import Cells
from tsnb.errors import ServerUnreachable
from tsnb.magics.connection import Connection

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tsnb.client import Client


@magics_class
class Tsnb(Magics):
    """Settings of the magics: ``%config Tsnb.timeout = 9``."""

    handlers = Unicode("handlers", help="Folder for the modules that %%handler writes.").tag(config=True)
    model_store = Unicode(
        "model_store", help="Folder for archives when no server says where its own model store is."
    ).tag(config=True)
    timeout = Float(0.0, help="Seconds that %predict waits for an answer; 0 leaves it to the server.").tag(config=True)


class Session(Tsnb):
    """The memory of the magics in one kernel. It appears under ``%config`` as Tsnb."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.cells = Cells(shell)
        self.connection = Connection()
        self.handlers_of: dict[str, Path] = {}
        """Model name → the module its %%handler cell wrote."""
        self.archives: dict[str, Path] = {}
        """Model name → the archive %archive wrote last."""
        self.served: set[str] = set()
        """Names seen on the server, for completion."""

    @property
    def names(self) -> set[str]:
        """Every model name this kernel has heard of."""
        return {*self.handlers_of, *self.archives, *self.served}

    def running(self) -> Client:
        """A client for a server that runs. Raises ServerUnreachable when there is none: nothing can be served."""
        known = self.connection.find()
        if known is None:
            raise ServerUnreachable("no server runs, so nothing is served yet: %serve NAME starts one")
        return known

    def store(self) -> Path:
        """The model store archives go to: the server's, if one is known, else the configured folder."""
        known = self.connection.find()
        folder = known.server().get("model_store") if known is not None else None
        return Path(folder) if folder else Path(self.model_store).absolute()
