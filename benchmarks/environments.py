"""Each peer's own Python environment, ``.venv-peers/<peer>``, from its pinned requirements.

``TSNB_BENCH_<PEER>`` (say ``TSNB_BENCH_TORCHSERVE=/opt/torchserve``) names an
environment that exists already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".venv-peers"
INSTALL_TIMEOUT = 1800


class NotInstalled(RuntimeError):
    """A peer cannot be had here; the message says why."""


def python(peer: str) -> Path:
    """The Python of a peer's environment, made on first use. Raises NotInstalled."""
    named = os.environ.get(f"TSNB_BENCH_{peer.upper()}")
    folder = Path(named) if named else FOLDER / peer
    found = folder / "bin" / "python"
    requirements = Path(__file__).parent / "peers" / peer / "requirements.txt"
    if named:
        if not found.exists():
            raise NotInstalled(f"TSNB_BENCH_{peer.upper()}={named} has no bin/python")
        return found
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        _install(folder, requirements)
        stamp.write_text(requirements.read_text())
    return found


def _install(folder: Path, requirements: Path) -> None:
    print(f"installing {requirements.parent.name} into {folder} …", flush=True)
    target = folder / "bin" / "python"
    commands = [] if target.exists() else [[sys.executable, "-m", "venv", str(folder)]]
    commands.append([str(target), "-m", "pip", "--disable-pip-version-check", "-q", "install", "-r", str(requirements)])
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(f"could not be installed: {error}") from error
        if done.returncode:
            raise NotInstalled("could not be installed: " + (done.stderr.strip().splitlines() or ["pip failed"])[-1])


@cache
def versions(interpreter: Path, *packages: str) -> dict[str, str]:
    """The installed versions of packages in an environment."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        "print(json.dumps({p: m.version(p) for p in sys.argv[1:] if p in {d.name.lower() for d in m.distributions()}}))"
    )
    done = subprocess.run([str(interpreter), "-c", code, *packages], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))
