"""Compiles ``tsnb/speedups/native.pyx`` into the wheel where there is a compiler; without one it is plain Python.

``TSNB_PURE_PYTHON=1`` makes the plain one in any case; ``TSNB_NEEDS_COMPILER=1`` fails where nothing can be compiled.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "tsnb/speedups/native.pyx"


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
        build_data["artifacts"].append(made)


def compiled(root: Path) -> str:
    """Compile the module beside its source; its path in the project."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    with tempfile.TemporaryDirectory() as folder:
        extension = Extension("tsnb.speedups.native", [str(root / SOURCE)])
        modules = cythonize([extension], build_dir=folder, quiet=True)
        command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(root), folder
        command.ensure_finalized()
        command.run()
        return str(Path(command.get_outputs()[0]).relative_to(root))


if __name__ == "__main__":
    sys.stdout.write(compiled(Path(__file__).parent) + "\n")
