"""Steps of a case beside plain calls: waits, calls at the same time, files to hold a handler."""

from __future__ import annotations

import json
import subprocess
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tests.cli.archiver_table import play
from tests.conformance.calls import Call, call
from tests.conformance.servers import Server

DEADLINE = 60.0


@dataclass(frozen=True)
class Until:
    """Ask again and again until the answer is as wanted; nothing of it is recorded."""

    call: Call
    wanted: Callable[[dict[str, Any]], bool]

    def perform(self, server: Server) -> None:
        """Raises AssertionError with the last answer when time is up."""
        wait_for(lambda: self.call.ask(server), self.wanted)


def wait_for(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What ``look`` gives once it is as wanted. Raises AssertionError."""
    pause = threading.Event()
    tries = int(DEADLINE / 0.02)
    found: Any = None
    for _ in range(tries):
        found = look()
        if wanted(found):
            return found
        pause.wait(0.02)
    raise AssertionError(f"waited {DEADLINE:g} s; the last answer: {found}")


def ready(model: str, workers: int = 1, token: str = "") -> Until:
    """Wait until so many workers of ``model`` or ``model/version`` are ready."""
    return Until(
        call(f"management GET /models/{model}", token=token),
        lambda answer: str(answer.get("body")).count('"status": "READY"') >= workers,
    )


@dataclass(frozen=True)
class Begun:
    """Calls that are under way: later steps go on meanwhile, :class:`Finished` has their answers."""

    name: str
    calls: tuple[Call, ...]
    timeout: float = DEADLINE

    def perform(self, server: Server) -> None:
        """Send them, each from a thread of its own."""
        pool = ThreadPoolExecutor(len(self.calls))
        under_way[server, self.name] = [pool.submit(each.ask, server, self.timeout) for each in self.calls]
        pool.shutdown(wait=False)


under_way: dict[tuple[Server, str], list[Any]] = {}


@dataclass(frozen=True)
class Finished:
    """The answers to calls that were begun, the lowest status first: which of them is refused is luck."""

    name: str

    def perform(self, server: Server) -> list[dict[str, Any]]:
        """Wait for them."""
        answers = [future.result(DEADLINE * 2) for future in under_way.pop((server, self.name))]
        return sorted(answers, key=lambda answer: (answer.get("status", 0), str(answer)))


@dataclass(frozen=True)
class FileComes:
    """Wait until a handler has made a file, as the one of ``holds`` does when it begins."""

    path: str

    def perform(self, server: Server) -> None:
        """Raises AssertionError when time is up."""
        wait_for(Path(server.fill(self.path)).exists, bool)


@dataclass(frozen=True)
class MakeFile:
    """Make a file that a handler waits for."""

    path: str

    def perform(self, server: Server) -> None:
        """Write it."""
        Path(server.fill(self.path)).touch()


@dataclass(frozen=True)
class Script:
    """Python that imports ``ts``: TorchServe's, or tsnb's in its place. It prints JSON, or fails."""

    code: str

    def perform(self, server: Server) -> Any:
        """Each line that it prints; what it raised in the end."""
        code = f"import json, sys\n{textwrap.dedent(self.code)}"
        place = server.folder / "script"
        place.mkdir(exist_ok=True)
        done = subprocess.run(
            [server.python, "-c", code], env=server.importing(), cwd=place, capture_output=True, text=True, timeout=120
        )
        lines = [json.loads(server.veil(line)) for line in done.stdout.splitlines()]
        last = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        return {"status": done.returncode, "printed": lines, **({"raised": server.veil(last[0])} if last else {})}


@dataclass(frozen=True)
class StoreHas:
    """Whether files are in the model store."""

    names: tuple[str, ...]

    def perform(self, server: Server) -> dict[str, bool]:
        """Name → whether it is there."""
        return {name: (server.store / name).exists() for name in self.names}


@dataclass(frozen=True)
class KeyFile:
    """What the key file is like, without the keys."""

    def perform(self, server: Server) -> dict[str, Any]:
        """Its permissions; for each key how long it is and, to the minute, how long it lives."""
        path = server.folder / "key_file.json"
        keys = json.loads(path.read_text())
        return {"mode": oct(path.stat().st_mode & 0o777), "keys": {kind: _key(entry) for kind, entry in keys.items()}}


def _key(entry: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"names": list(entry), "length": len(entry["key"])}
    if "expiration time" in entry:
        ends = datetime.fromisoformat(entry["expiration time"][:19]).replace(tzinfo=UTC)
        found["minutes"] = round((ends - datetime.now(UTC)).total_seconds() / 60)
    return found


@dataclass(frozen=True)
class OldKey:
    """Renew a key, then call with the one before."""

    kind: str
    call: Call

    def perform(self, server: Server) -> Any:
        """The answer to the call."""
        old = server.token(self.kind)
        call(f"management GET /token?type={self.kind}", token="API").ask(server)
        return replace(self.call, token=f"Bearer {old}").perform(server)


@dataclass(frozen=True)
class Archiver:
    """Command lines of an archiver in a folder of their own; see :mod:`tests.cli.archiver_table`."""

    kind: Literal["model", "workflow"]
    lines: tuple[tuple[str, ...], ...]

    def perform(self, server: Server) -> dict[str, Any]:
        """The status of each line, and the archives that are there then."""
        ours = {"model": "archive", "workflow": "workflow-archive"}[self.kind]
        tools = Path(server.python).parent
        command = (
            [server.python, "-m", "tsnb", ours]
            if server.kind == "tsnb"
            else [str(tools / f"torch-{self.kind}-archiver")]
        )
        return play(command, list(self.lines))[0]
