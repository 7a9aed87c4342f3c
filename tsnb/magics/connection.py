"""Which server the magics talk to: the one around the kernel, or one of the kernel's own.

In this order: ``TSNB_URL``, which the notebook server gives its kernels; a
running notebook server with tsnb whose folder holds the working folder; else
``tsnb serve`` as a child, which ends with the kernel.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.errors import TsnbError
from tsnb.magics.child import ChildServer

if TYPE_CHECKING:
    from tsnb.client import Client


class Connection:
    """Finds a server on first use and remembers it. Nothing is imported or opened before."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._child: ChildServer | None = None
        self._told: dict[str, str] = {}

    def client(self, store: Path) -> Client:
        """A client for the server, which is started if there is none (with ``store`` as its model store)."""
        known = self.find()
        if known is not None:
            return known
        if self._child is not None:
            code = self._child.close()
            print(f"The kernel's own server had stopped (status {code}) and is started again; its models are gone.")  # noqa: T201
        self._child = ChildServer(store)
        self._child.start()
        self._client = self._child.client()
        self._tell(self._child)
        return self._client

    def _tell(self, child: ChildServer) -> None:
        """Let ``tsnb.Client()`` and commands of this notebook find the child as they would a notebook server."""
        self._told = child.environment
        os.environ.update(self._told)

    def find(self) -> Client | None:
        """A client for a server that runs already, or None."""
        if self._child is not None:
            return self._client if self._child.alive else None
        if self._client is None:
            self._client = _from_environment() or _from_runtime_files()
        return self._client

    def close(self) -> None:
        """End the child, if there is one, and forget the server."""
        if self._child is not None:
            self._child.close()
        for key, value in self._told.items():
            if os.environ.get(key) == value:
                del os.environ[key]
        self._told = {}
        self._child = self._client = None


def _from_environment() -> Client | None:
    if not os.environ.get("TSNB_URL"):
        return None
    from tsnb.client import Client

    return Client()


def _from_runtime_files() -> Client | None:
    from tsnb.client import Client

    for info in sorted(_running(), key=lambda info: len(info["root_dir"]), reverse=True):
        client = Client(f"{info['url'].rstrip('/')}/tsnb", info.get("token") or None)
        try:
            client.server()
        except TsnbError:
            client.close()
            continue
        return client
    return None


def _running() -> Iterator[dict[str, Any]]:
    """Notebook servers that are alive and whose root holds the working folder."""
    from jupyter_core.paths import jupyter_runtime_dir

    here = Path.cwd()
    for path in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        try:
            info = json.loads(path.read_text(encoding="utf-8"))
            root = Path(info["root_dir"]).resolve()
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if here.resolve().is_relative_to(root) and _alive(info.get("pid")):
            yield info


def _alive(pid: Any) -> bool:
    import psutil

    return isinstance(pid, int) and psutil.pid_exists(pid)
