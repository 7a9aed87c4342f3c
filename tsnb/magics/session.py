"""What the magics of one kernel share: its cells, its handlers and archives, and the way to a server."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, magics_class
from traitlets import Bool, Float, Unicode

from tsnb.capture.cells import Cells
from tsnb.capture.fresh import Checker
from tsnb.errors import ServerUnreachable
from tsnb.magics.connection import Connection
from tsnb.magics.swapping import Live, State
from tsnb.messages import ImportOutcome

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tsnb.client import Client
    from tsnb.magics.watching import Watcher


@magics_class
class Tsnb(Magics):
    """Settings of the magics: ``%config Tsnb.timeout = 9``."""

    handlers = Unicode("handlers", help="Folder for the modules that %%handler writes.").tag(config=True)
    model_store = Unicode(
        "model_store", help="Folder for archives when no server says where its own model store is."
    ).tag(config=True)
    fresh_check = Bool(True, help="Import what %%handler writes in a fresh interpreter.").tag(config=True)
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
        self.checker = Checker()
        self.trials: dict[str, Future[ImportOutcome]] = {}
        """Model name → whether the module of its latest %%handler cell imports in a fresh interpreter."""
        self.live: dict[str, Live] = {}
        """Model name → the version this notebook served last, and its code."""
        self.unarchived: dict[str, tuple[State | None, dict[str, str]]] = {}
        """Model name → an archive as it was when newer code went live, and that code, which is not in it."""
        self.watchers: dict[str, Watcher] = {}
        """Model name → who looks after a file for it."""

    @property
    def names(self) -> set[str]:
        """Every model name this kernel has heard of."""
        return {*self.handlers_of, *self.archives, *self.served}

    def forget(self, name: str, version: str | None = None) -> None:
        """A model, or the version that was served last, is served no more."""
        live = self.live.get(name)
        if version is None or (live is not None and live.version == version):
            self.live.pop(name, None)
            self.unwatch(name)

    def unwatch(self, name: str) -> None:
        """Look after no file for this model any more."""
        watcher = self.watchers.pop(name, None)
        if watcher is not None:
            watcher.stop()

    def close(self) -> None:
        """End what belongs to the kernel: watchers, the checking process, and a server that was started for it."""
        for name in list(self.watchers):
            self.unwatch(name)
        self.checker.close()
        self.connection.close()

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
