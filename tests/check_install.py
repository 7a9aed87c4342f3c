"""Install tsnb as a user would, in an environment of its own: ``make check-install``.

Builds a wheel from this checkout, installs it with pinned dependencies into a
fresh virtual environment without node on its path, and looks whether the
extension, the command, the magics and the widgets' files are there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent

FIRST_STEPS = """
import importlib.resources, sys, time
begun = time.perf_counter()
import tsnb
assert time.perf_counter() - begun < 0.5, "import tsnb is slow"
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
begun = time.perf_counter()
shell.run_line_magic("load_ext", "tsnb")
took = time.perf_counter() - begun
assert "torch" not in sys.modules, "%load_ext tsnb imports torch"
files = {path.name for path in importlib.resources.files("tsnb.widgets").iterdir()}
assert {"card.js", "card.css", "models_table.js"} <= files, files
from tsnb.speedups import COMPILED
print("the way of quick requests is", "compiled" if COMPILED else "plain Python: no compiler was found")
print(f"tsnb {tsnb.__version__} from {tsnb.__file__}, %load_ext in {took * 1000:.0f} ms")
"""


def run(*command: str, env: dict[str, str], cwd: Path) -> str:
    """Run a command; its output. Ends with its words when it fails."""
    result = subprocess.run(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout}")
    return result.stdout


def main() -> None:
    """Build, install, look."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "env", with_pip=True)
        bin_folder = folder / "env" / "bin"
        env = {**os.environ, "PATH": f"{bin_folder}:/usr/bin:/bin", "VIRTUAL_ENV": str(folder / "env")}
        env.pop("PYTHONPATH", None)
        pip = (str(bin_folder / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT), env=env, cwd=folder)
        (wheel,) = folder.glob("tsnb-*.whl")
        run(*pip, "install", "--constraint", str(ROOT / "constraints.txt"), str(wheel), env=env, cwd=folder)
        print(run(str(bin_folder / "python"), "-c", FIRST_STEPS, env=env, cwd=folder).strip())
        print(run(str(bin_folder / "tsnb"), "--version", env=env, cwd=folder).strip())
        panel = folder / "env" / "share" / "jupyter" / "labextensions" / "tsnb"
        assert (panel / "package.json").is_file(), "the wheel lacks the JupyterLab extension"
        assert (panel / "install.json").is_file(), "the wheel lacks the JupyterLab extension"
        print("the JupyterLab extension is there, prebuilt")
        listed = run(str(bin_folder / "jupyter"), "server", "extension", "list", env=env, cwd=folder)
        listed = re.sub(r"\x1b\[\d*m", "", listed)
        assert re.search(r"tsnb enabled\b", listed), listed
        assert re.search(r"tsnb [\d.]+ OK\b", listed), listed
        print("jupyter server extension list: tsnb is enabled and OK")


if __name__ == "__main__":
    main()
