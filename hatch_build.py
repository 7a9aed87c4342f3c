"""Compiles ``tsnb/speedups/*.pyx`` into the wheel where there is a compiler; without one it is plain Python.

``TSNB_PURE_PYTHON=1`` makes the plain one in any case; ``TSNB_NEEDS_COMPILER=1`` fails where nothing can be compiled.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("tsnb", "speedups")


def wanted(name: str) -> bool:
    """Whether a variable of the environment is switched on."""
    return os.environ.get(name, "0") not in ("", "0")


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls for a wheel, an editable one included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say that the wheel is for this Python on this system."""
        if wanted("TSNB_PURE_PYTHON"):
            return
        try:
            made = compiled(Path(self.root))
        except Exception as error:
            if wanted("TSNB_NEEDS_COMPILER"):
                raise
            self.app.display_warning(f"tsnb: nothing was compiled, its plain Python serves as well, slower: {error}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"] += made


def compiled(root: Path) -> list[str]:
    """Compile the modules beside their sources; their paths in the project."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    with tempfile.TemporaryDirectory() as folder:
        sources = sorted((root / FOLDER).glob("*.pyx"))
        extensions = [Extension(".".join([*FOLDER.parts, path.stem]), [str(path)]) for path in sources]
        modules = cythonize(extensions, build_dir=folder, quiet=True)
        command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(root), folder
        command.ensure_finalized()
        command.run()
        return [str(Path(path).relative_to(root)) for path in command.get_outputs()]


if __name__ == "__main__":
    sys.stdout.write("\n".join(compiled(Path(__file__).parent)) + "\n")
