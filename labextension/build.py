"""Builds the JupyterLab extension into ``tsnb/labextension``: ``make labextension``. Needs node; using it does not.

Writes ``src/wire.ts``, installs what the lock file names (once), checks types, bundles, and notes the digest of the
sources beside the bundle, by which a test sees that the two belong together.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
TARGET = ROOT / "tsnb" / "labextension"
NOTE = TARGET / "build.json"
INSTALLED = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "tsnb"

SOURCES = ("src/**/*", "style/**/*", "schema/**/*", "package.json", "package-lock.json", "tsconfig.json")
CLIENT = ROOT / "tsnb" / "javascript"


def digest() -> str:
    """The SHA-256 of everything that the bundle is made of, names included."""
    files = sorted(path for pattern in SOURCES for path in HERE.glob(pattern) if path.is_file())
    files += sorted(path for path in CLIENT.iterdir() if path.is_file())
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        whole.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return whole.hexdigest()


def run(*command: str) -> None:
    """Run a command here. Ends with its words when it fails."""
    done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}")


def install() -> None:
    """What the lock file names; nothing where that is there already."""
    lock, stamp = HERE / "package-lock.json", HERE / "node_modules" / ".tsnb-installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        run("npm", "ci", "--no-audit", "--no-fund")
        stamp.write_text(wanted)


def bundle() -> None:
    """Compile, check types, bundle."""
    shutil.rmtree(HERE / "lib", ignore_errors=True)
    run("npx", "--no-install", "tsc")
    run(str(Path(sys.executable).with_name("jupyter-builder")), "build", ".")
    for unneeded in TARGET.rglob("package.json.orig"):
        unneeded.unlink()
    shutil.copy(HERE / "install.json", TARGET)
    NOTE.write_text(json.dumps({"sources": digest()}, indent=2) + "\n")


def main() -> None:
    """Everything, and a copy to where this environment's JupyterLab looks."""
    if shutil.which("npm") is None:
        sys.exit("Building the JupyterLab extension needs node and npm (Debian: apt install nodejs npm).")
    run(sys.executable, str(HERE / "wire.py"))
    install()
    bundle()
    if sys.prefix != sys.base_prefix and not os.path.islink(INSTALLED):
        shutil.rmtree(INSTALLED, ignore_errors=True)
        shutil.copytree(TARGET, INSTALLED)
    size = sum(path.stat().st_size for path in TARGET.rglob("*.js"))
    print(f"{TARGET.relative_to(ROOT)}: {size / 1000:.0f} kB of JavaScript")  # noqa: T201


if __name__ == "__main__":
    main()
