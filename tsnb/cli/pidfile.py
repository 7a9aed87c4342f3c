"""The file that says which process is this user's server: ``.model_server.pid`` in the temporary folder (spec 8.3)."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tsnb.errors import ConfigError

if TYPE_CHECKING:
    import psutil

NAME = ".model_server.pid"
JAVA_SERVER = "org.pytorch.serve.ModelServer"
"""The real TorchServe, which uses the same file: it counts as running, too."""


class PidFile:
    """One process id, alone in a file, so that ``kill $(cat …)`` works."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def process(self) -> psutil.Process | None:
        """The server that the file names, or None where none runs. Raises ConfigError for another user's file."""
        import psutil

        number = self._number()
        if number is None:
            return None
        try:
            found = psutil.Process(number)
            return found if is_server(found.cmdline()) else None
        except psutil.Error:
            return None

    def _number(self) -> int | None:
        try:
            facts = self.path.lstat()
        except FileNotFoundError:
            return None
        if facts.st_uid != os.getuid() or not stat.S_ISREG(facts.st_mode):
            # Nobody else may tell us which of our processes to stop.
            raise ConfigError(f"{str(self.path)!r} is not this user's. Set TMPDIR to a folder of your own.")
        with contextlib.suppress(OSError, ValueError):
            return int(self.path.read_text())
        return None

    def write(self, number: int) -> None:
        """Name this process. Raises ConfigError where the folder cannot be written to."""
        try:
            descriptor, partial = tempfile.mkstemp(dir=self.path.parent, prefix=NAME)
            with os.fdopen(descriptor, "w") as file:
                file.write(str(number))
            os.replace(partial, self.path)
        except OSError as error:
            raise ConfigError(f"Cannot write {str(self.path)!r}: {error.strerror}. Set TMPDIR to another.") from error

    def remove(self) -> None:
        """Take the file away, if it is there."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """This process is the server while the block runs; a file that names another by then is left alone."""
        self.write(os.getpid())
        try:
            yield
        finally:
            if self._number() == os.getpid():
                self.remove()


def is_server(words: list[str]) -> bool:
    """Whether a command line is that of a server started by ``torchserve``, tsnb's or the real one."""
    ours = "torchserve" in words and any(os.path.basename(word) == "tsnb" for word in words)
    return JAVA_SERVER in words or (ours and "--stop" not in words)
