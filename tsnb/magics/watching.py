"""A file that is served as it is saved: ``%serve NAME --watch FILE.py``.

A thread looks at the file's time and content; when they change, the served
version gets the new text. What came of it stands under the cell.
"""

from __future__ import annotations

import json
import linecache
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb import html
from tsnb.capture.module import SIDECAR, digest
from tsnb.errors import BadRequest, ModelNotFound, ModelVersionNotFound, TsnbError
from tsnb.magics.errors import failure_lines, plain
from tsnb.magics.swapping import Live, Target, in_words, swap_files
from tsnb.magics.views import View
from tsnb.messages import ModelStatus, Request

if TYPE_CHECKING:
    from tsnb.client import Client

INTERVAL = 0.1
"""Seconds between two looks. A file that changed counts when two looks find the same in it."""

SHOWN = 5
"""Outcomes that stay on the page."""


class WatchView(View):
    """What is watched, and the latest outcomes."""

    def __init__(self, title: str, outcomes: Sequence[str], badge: tuple[str, html.Tone], trace: str) -> None:
        self.title = title
        self.badge = badge
        self._outcomes = outcomes
        self._trace = trace

    def facts(self) -> Sequence[str]:
        """One line per change of the file, the latest first."""
        return self._outcomes

    def text(self) -> str:
        """What the handler raised, if the latest change did not go live."""
        return self._trace


class Watcher:
    """Looks after one file for one served version. ``show`` gets a new view whenever there is news."""

    def __init__(
        self, client: Client, name: str, live: Live, path: Path, checks: Sequence[Request], show: Callable[[View], Any]
    ) -> None:
        self._client = client
        self._name = name
        self._live = live
        self._path = path
        self._checks = checks
        self._show = show
        self._stopped = threading.Event()
        self._outcomes: deque[str] = deque(maxlen=SHOWN)
        self._tried = ""
        self._failing = False

    def start(self) -> None:
        """Look from now on, in a thread that ends with the kernel."""
        self._tell("watching", "good")
        threading.Thread(target=self._look, name=f"tsnb-watch-{self._name}", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._tell("ended", "quiet")

    def _look(self) -> None:
        before = ""
        while not self._stopped.wait(INTERVAL):
            try:
                text = self._path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):  # between two states: an editor may write it anew
                continue
            now = digest(text)
            if now == before and now != self._tried:
                self._tried = now
                with self._live.changing:
                    self._bring_live(text)
            before = now

    def _bring_live(self, text: str) -> None:
        if self._live.files.get(self._path.name) == digest(text):
            if self._failing:
                self._note("the file is what is served again")
                self._tell("watching", "good")
            return
        try:
            status = self._status()
            swapped = swap_files(Target(self._client, status, self._live), self._files(text), self._checks)
        except (ModelNotFound, ModelVersionNotFound):
            self._note(f"{self._name} {self._live.version} is not served any more")
            self.stop()
        except TsnbError as error:
            self._failed(error)
        else:
            self._note(in_words(swapped) if swapped else "nothing new")
            self._tell("watching", "good")

    def _status(self) -> ModelStatus:
        for each in self._client.describe(self._name):
            if each.spec.version == self._live.version:
                if each.spec.build != self._live.build:
                    self._live.build, self._live.state, self._live.files = each.spec.build, None, {}
                return each
        raise ModelVersionNotFound(f"{self._name} {self._live.version} is not served any more")

    def _files(self, text: str) -> dict[str, str]:
        """The file and a line map, by which tracebacks name it where it lies and not where the server copied it."""
        whole = {"start": 1, "count": text.count("\n") + 1, "filename": str(self._path), "line": 1}
        sidecar = json.dumps({"segments": [whole], "source": digest(text)})
        return {self._path.name: text, self._path.stem + SIDECAR: sidecar}

    def _failed(self, error: TsnbError) -> None:
        linecache.checkcache(str(self._path))
        trace = "\n".join(plain(failure_lines(error.failure, None))) if error.failure else ""
        self._note(error.message)
        self._tell("failed", "bad", trace.rstrip())

    def _note(self, said: str) -> None:
        self._outcomes.appendleft(f"{datetime.now():%H:%M:%S} {said}")

    def _tell(self, badge: str, tone: html.Tone, trace: str = "") -> None:
        self._failing = tone == "bad"
        title = f"{self._name} {self._live.version} ← {self._path.name}"
        self._show(WatchView(title, tuple(self._outcomes), (badge, tone), trace))


def watched(path: str, status: ModelStatus, live: Live) -> Path:
    """The file to watch. Raises BadRequest where it is none, or none that the model has."""
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        raise BadRequest(f"--watch {path}: there is no such file in {Path.cwd()}")
    handler = Path(status.spec.handler.partition(":")[0]).stem + ".py"
    if file.name != handler and file.name not in live.files:
        known = ", ".join(sorted(live.files)) or handler
        raise BadRequest(f"--watch {path}: {status.spec.name} has no file {file.name}, it has {known}")
    return file
