"""The READMEs of examples/, as the commands and answers they are."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
KINDS = sorted(path.parent.name for path in EXAMPLES.glob("*/README.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8080"
DEADLINE = 120


class Page:
    """A README: its first block makes the archive, the second serves it, the others ask and show the answer."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        blocks = [text for _, text in BLOCK.findall((EXAMPLES / kind / "README.md").read_text())]
        self.make, self.serve = blocks[0], blocks[1]
        self.asked = list(zip(blocks[2::2], blocks[3::2], strict=True))

    def build(self, folder: Path) -> Path:
        """Make the archive in a copy of the example; the copy."""
        copy = folder / self.kind
        shutil.copytree(EXAMPLES / self.kind, copy, ignore=shutil.ignore_patterns("*.mar", "*.p*t*", "__pycache__"))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        command = ["bash", "-e", "-c", self.make]
        subprocess.run(
            command, cwd=copy, env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}, check=True, timeout=DEADLINE
        )
        return copy

    def ask(self, url: str, folder: Path) -> list[str]:
        """What the commands of the page print, asked of the server at ``url``."""
        commands = [shlex.split(question.replace(ADDRESS, url)) for question, _ in self.asked]
        return [self._output(command, folder / self.kind) for command in commands]

    def _output(self, command: list[str], folder: Path) -> str:
        assert command[0] == "curl"
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=DEADLINE)
        return done.stdout.strip()

    @property
    def model(self) -> str:
        """The name of the model that the page archives."""
        words = shlex.split(self.make.strip().splitlines()[-1])
        return words[words.index("--model-name") + 1]

    @property
    def answers(self) -> list[str]:
        """What the page says that the commands print."""
        return [answer.strip() for _, answer in self.asked]


PAGES = {kind: Page(kind) for kind in KINDS}


def build(folder: Path) -> Path:
    """All archives, in one model store."""
    store = folder / "store"
    store.mkdir()
    with ThreadPoolExecutor(2) as pool:
        for made in pool.map(lambda page: page.build(folder), PAGES.values()):
            (archive,) = made.glob("*.mar")
            shutil.copy(archive, store)
    return store
