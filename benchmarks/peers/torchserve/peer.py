"""TorchServe 0.12, the last one. Needs Java 17."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmarks import archives
from benchmarks.environments import NotInstalled
from benchmarks.peers.base import Peer
from benchmarks.server import Launch, free_port


class TorchServe(Peer):
    """The same archives and the same config.properties as tsnb."""

    name = "torchserve"
    title = "TorchServe"
    packages = ("torchserve",)
    setting = "1 worker, no token, no snapshots, system metrics off, only errors logged"

    def launch(self, task: str, batch: int, delay: int, folder: Path, workers: int = 1) -> Launch:
        if shutil.which("java") is None:
            raise NotInstalled("needs Java 17 (apt-get install openjdk-17-jre-headless)")
        home = self.python().parent
        store = folder / "store"
        archives.write(store, task)
        ports = [free_port() for _ in range(5)]
        config = folder / "config.properties"
        config.write_text(archives.properties(task, batch, delay, ports, workers, disable_system_metrics="true"))
        command = [str(home / "torchserve"), "--foreground", "--start", "--model-store", str(store), "--models", "all"]
        command += ["--ts-config", str(config), "--ncs", "--disable-token-auth", "--enable-model-api"]
        command += ["--log-config", str(Path(__file__).parent / "log4j2.xml")]
        logs = str(folder / "logs")
        environ = {"PATH": f"{home}:{os.environ['PATH']}", "TEMP": str(folder), "PYTHONPATH": ""}
        environ |= {"LOG_LOCATION": logs, "METRICS_LOCATION": logs}
        url = f"http://127.0.0.1:{ports[0]}/predictions/{task}"
        return Launch(command, url, environ, f"http://127.0.0.1:{ports[1]}")
