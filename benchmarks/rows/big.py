"""Makes the big eager model: a state dict of so many bytes, and its archive's other files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TASKS = Path(__file__).parent.parent / "tasks"
LAYER = (4096 * 4096 + 4096) * 4
"""Bytes of one layer."""

CODE = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from big_model import Big
torch.manual_seed(0)
torch.save(Big().state_dict(), sys.argv[1] + "/big.pt")
"""


def make(folder: Path, size: int) -> Path:
    """``big.pt`` and its files in ``folder``; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "layers.txt").write_text(str(max(1, round(size / LAYER))))
    for name in ("big_model.py", "big_handler.py"):
        shutil.copy(TASKS / name, folder / name)
    subprocess.run([sys.executable, "-c", CODE, str(folder)], check=True, timeout=300)
    return folder


def archiver(program: list[str], made: Path, store: Path, *more: str) -> list[str]:
    """The command that archives it: tsnb's and torch-model-archiver's flags are the same."""
    store.mkdir(parents=True, exist_ok=True)
    files = ["--model-file", str(made / "big_model.py"), "--serialized-file", str(made / "big.pt")]
    files += ["--handler", str(made / "big_handler.py"), "--extra-files", str(made / "layers.txt")]
    return [*program, "--model-name", "big", "--version", "1.0", *files, "--export-path", str(store), *more]
