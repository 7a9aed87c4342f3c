"""The Python packages that a model brings: installed into a folder of its own, or a virtual environment (spec 5.5).

Without ``useVenv`` pip installs into a folder that the model's workers search
first. With it a virtual environment is made that sees what the server has, and
the workers run its interpreter. Either way they start afresh, as nothing may be
imported before.
"""

from __future__ import annotations

import asyncio
import logging
import os
import site
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

import tsnb
from tsnb.archive.unpack import discard, empty_folder
from tsnb.config import Config
from tsnb.engine.processes import worker_environment
from tsnb.errors import ModelFailure
from tsnb.messages import Failure, ModelSpec

log = logging.getLogger("tsnb.model")

LINES_KEPT = 40
"""Lines of pip's output that a failure tells."""

INSTALL = ("-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-U")


class Wanted(Struct, frozen=True):
    """What must be there before a model's workers start. ``requirements`` is the text of its file, None without one."""

    venv: bool
    requirements: bytes | None

    @property
    def nothing(self) -> bool:
        """Whether the model runs as it is."""
        return not self.venv and self.requirements is None


def wanted(spec: ModelSpec, install: bool) -> Wanted:
    """What a model needs. Raises ModelFailure where its requirements file is missing."""
    name = (spec.manifest.get("model") or {}).get("requirementsFile")
    if not install or not name:
        return Wanted(spec.use_venv, None)
    file = _requirements(spec)
    if not file.is_file():
        raise _failed(spec, f"The manifest names the requirements file {name!r}, which the archive does not have.")
    return Wanted(spec.use_venv, file.read_bytes())


def _requirements(spec: ModelSpec) -> Path:
    return Path(spec.model_dir) / os.path.basename(str(spec.manifest["model"]["requirementsFile"]))


async def with_packages(spec: ModelSpec, config: Config, cache: Path, before: ModelSpec | None = None) -> ModelSpec:
    """A model's spec with what it needs installed; ``before`` is the code that it replaces. Raises ModelFailure."""
    need = await asyncio.to_thread(wanted, spec, config.install_py_dep_per_model)
    if before is not None and before.packages:
        known = await asyncio.to_thread(wanted, before, config.install_py_dep_per_model)
        if need == known:
            return spec  # it has the packages of the code before
    if need.nothing:
        return msgspec.structs.replace(spec, python="", packages="")
    return await prepare(spec, need, cache, config.blacklist_env_vars)


async def prepare(spec: ModelSpec, need: Wanted, cache: Path, blacklist: str) -> ModelSpec:
    """Install what a model needs; its spec with interpreter and folder. Raises ModelFailure, leaving nothing."""
    folder = await asyncio.to_thread(empty_folder, cache)
    installer = _Installer(spec, folder, worker_environment(dict(os.environ), blacklist, {}))
    try:
        python = await installer.make_venv() if need.venv else sys.executable
        if need.requirements is not None:
            await installer.install(python, need.venv)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(discard, folder))
        raise
    return msgspec.structs.replace(spec, python=python, packages=str(folder))


class _Installer:
    """Runs python and pip for one model, and shows what they print."""

    def __init__(self, spec: ModelSpec, folder: Path, env: dict[str, str]) -> None:
        self._spec = spec
        self._folder = folder
        self._env = env
        self._lines: list[str] = []

    async def make_venv(self) -> str:
        """A virtual environment that sees the server's packages behind its own; its interpreter."""
        said = f"Virtual environment creation failed for model {self._spec.name}"
        await self._run(said, sys.executable, "-m", "venv", "--without-pip", str(self._folder))
        python = str(self._folder / "bin" / "python")
        packages = next((self._folder / "lib").glob("python*/site-packages"))
        (packages / "tsnb_server.pth").write_text("\n".join(_inherited()) + "\n")
        if await self._call(python, "-m", "pip", "--version"):  # the server has none that could be inherited
            await self._run(said, python, "-m", "ensurepip")
        return python

    async def install(self, python: str, venv: bool) -> None:
        """Install the requirements of the model. Raises ModelFailure."""
        where = ("--upgrade-strategy", "only-if-needed") if venv else ("-t", str(self._folder))
        said = f"Custom pip package installation failed for model {self._spec.name}"
        await self._run(said, python, *INSTALL, *where, "-r", str(_requirements(self._spec)))

    async def _run(self, said: str, *command: str) -> None:
        code = await self._call(*command)
        if code:
            raise _failed(self._spec, f"{' '.join(command)} ended with code {code}.", self._lines, said)

    async def _call(self, *command: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self._spec.model_dir,
            env=self._env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None  # noqa: S101
        try:
            async for line in process.stdout:
                self._tell(line.decode("utf-8", "replace").rstrip())
            return await process.wait()
        except BaseException:
            process.kill()
            await process.wait()
            raise

    def _tell(self, line: str) -> None:
        log.info("pip %s_%s %s", self._spec.name, self._spec.version, line)
        self._lines = [*self._lines, line][-LINES_KEPT:]


def _inherited() -> list[str]:
    """Lines of a .pth file: the server's own packages, and this very tsnb."""
    folders = [*site.getsitepackages(), os.path.dirname(os.path.dirname(os.path.abspath(tsnb.__file__)))]
    # addsitedir, unlike a plain line, follows the .pth files that it finds there.
    return [f"import site; site.addsitedir({folder!r})" for folder in dict.fromkeys(folders)]


def _failed(spec: ModelSpec, why: str, lines: Sequence[str] = (), said: str = "") -> ModelFailure:
    message = said or f"Custom pip package installation failed for model {spec.name}"
    failure = Failure("PipFailed", why, stage="import", output="\n".join(lines), model=spec.name, version=spec.version)
    log.warning("%s: %s", message, why)
    return ModelFailure(message, failure=failure)
