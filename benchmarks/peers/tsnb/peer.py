"""``tsnb serve`` from this repository."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import archives, environments
from benchmarks.peers.base import Peer
from benchmarks.server import Launch, free_port


class Tsnb(Peer):
    """One worker, batches as large as asked, no access log (no peer writes one here)."""

    name = "tsnb"
    title = "tsnb"
    packages = ("tsnb",)
    setting = "`tsnb serve --no-access-log`, metrics counted and not logged, 1 worker, else defaults"

    def python(self) -> Path:
        """The one this harness runs on."""
        return Path(sys.executable)

    def launch(self, task: str, batch: int, delay: int, folder: Path, workers: int = 1) -> Launch:
        store = folder / "store"
        archives.write(store, task)
        ports = [free_port() for _ in range(5)]
        config = folder / "config.properties"
        config.write_text(archives.properties(task, batch, delay, ports, workers, metrics_mode="prometheus"))
        command = [str(self.python()), "-m", "tsnb", "serve", "--model-store", str(store), "--models", "all"]
        command += ["--ts-config", str(config), "--ncs", "--disable-token-auth", "--no-access-log"]
        # This repository, whatever else the environment has installed.
        environ = {"PYTHONPATH": str(environments.ROOT)}
        url = f"http://127.0.0.1:{ports[0]}/predictions/{task}"
        return Launch([*command, "--enable-model-api"], url, environ, f"http://127.0.0.1:{ports[1]}")
