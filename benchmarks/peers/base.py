"""What the harness must know about a server."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import environments
from benchmarks.server import Launch


class Peer(ABC):
    """One server: how to start it for a task, and how it wants to be asked."""

    name: ClassVar[str]
    title: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    """What is written beside its name: the versions of these."""
    tasks: ClassVar[tuple[str, ...]] = ("echo", "mlp", "cnn", "raw", "stream")
    setting: ClassVar[str]
    """How it is set up, for the report."""

    def python(self) -> Path:
        """The Python it runs on. Raises NotInstalled."""
        return environments.python(self.name)

    def versions(self) -> dict[str, str]:
        """Its own version and torch's."""
        return environments.versions(self.python(), *self.packages, "torch")

    @abstractmethod
    def launch(self, task: str, batch: int, delay: int, folder: Path, workers: int = 1) -> Launch:
        """Serve ``task`` with batches up to ``batch``, which wait ``delay`` ms. Raises NotInstalled."""

    def body(self, task: str, value: Any, batch: int) -> bytes:
        """What to send for a value."""
        return value if isinstance(value, bytes) else json.dumps({"x": value}).encode()

    def answer(self, body: bytes, batch: int) -> Any:
        """The value in an answer."""
        return json.loads(body)


class AppPeer(Peer):
    """A peer whose server is the ``app.py`` beside its ``peer.py``."""

    def app(self, *arguments: str | int) -> list[str]:
        """The command that runs it."""
        app = Path(__file__).parent / self.name / "app.py"
        return [str(self.python()), str(app), *map(str, arguments)]
