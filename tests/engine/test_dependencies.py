"""Models that bring Python packages: real pip, real virtual environments, no network."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.engine.test_local import run
from tsnb.engine.api import Registration
from tsnb.errors import ModelFailure
from tsnb.messages import Revision

HANDLER = """
    import os, sys
    import words

    def handle(data, context):
        import tsnb, torch
        return [{"words": words.VERSION, "prefix": sys.prefix, "tsnb": tsnb.__file__}] * len(data or [])
"""


def wheel(folder: Path, version: str) -> str:
    """A wheel of a package that nobody has: its file name."""
    name = f"words-{version}-py3-none-any.whl"
    info = f"words-{version}.dist-info"
    with zipfile.ZipFile(folder / name, "w") as made:
        made.writestr("words.py", f"VERSION = {version!r}\n")
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: words\nVersion: {version}\n")
        made.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{info}/RECORD", "")
    return name


def lay(b, name, requirements=None, yaml=None):
    """A model with a requirements file in the store; its folder's name."""
    url = b.put(name, HANDLER, yaml=yaml)
    folder = b.store / url
    manifest = folder / "MAR-INF" / "MANIFEST.json"
    described = json.loads(manifest.read_text())
    described["model"]["requirementsFile"] = "requirements.txt"
    manifest.write_text(json.dumps(described))
    text = requirements or f"--no-index\n./{wheel(folder, '1.5')}\n"
    (folder / "requirements.txt").write_text(text)
    return url


def made_folders(b):
    """The folders that models have now in the cache."""
    return list(b.folder.glob("cache/owners/*/models/*"))


async def answer(b, name):
    return json.loads((await b.ask(name)).body)


def test_requirements_are_installed_into_a_folder_of_the_model(bench):
    async def scenario():
        async with bench(install_py_dep_per_model=True) as b:
            url = lay(b, "own")
            await b.engine.register(Registration(url, initial_workers=1))
            told = await answer(b, "own")
            assert told["words"] == "1.5"
            assert not (b.store / url / "words.py").exists(), "the owner's folder stays as it is"
            code = (b.store / url / "handler.py").read_text().replace('"words":', '"new": 1, "words":')
            await b.engine.swap("own", None, Revision({"handler.py": code}))
            told = await answer(b, "own")
            assert (told["new"], told["words"]) == (1, "1.5"), "new code keeps the packages"
            await b.engine.unregister("own")
            assert made_folders(b) == []

    run(scenario())


def test_a_virtual_environment_has_its_own_and_sees_the_servers(bench):
    async def scenario():
        import tsnb

        async with bench(install_py_dep_per_model=True) as b:
            await b.engine.register(Registration(lay(b, "env", yaml="useVenv: true"), initial_workers=1))
            told = await answer(b, "env")
            assert told["words"] == "1.5"
            assert told["prefix"] == b.engine.describe("env")[0].spec.packages
            assert os.path.samefile(told["tsnb"], tsnb.__file__)
            await b.engine.unregister("env")
            assert made_folders(b) == []

    run(scenario())


def test_what_cannot_be_installed_is_refused_and_leaves_nothing(bench):
    async def scenario():
        async with bench(install_py_dep_per_model=True) as b:
            url = lay(b, "own", "--no-index\nthere-is-no-such-package\n")
            with pytest.raises(ModelFailure, match=r"^Custom pip package installation failed for model own$") as caught:
                await b.engine.register(Registration(url, initial_workers=1))
            assert "there-is-no-such-package" in caught.value.failure.output
            (b.store / url / "requirements.txt").unlink()
            with pytest.raises(ModelFailure) as caught:
                await b.engine.register(Registration(url, initial_workers=1))
            assert "'requirements.txt', which the archive does not have" in caught.value.failure.message
            assert b.engine.models() == []
            assert made_folders(b) == []

    run(scenario())


def test_requirements_are_ignored_unless_the_server_installs_them(bench):
    async def scenario():
        async with bench() as b:
            url = lay(b, "own", "there-is-no-such-package")
            (b.store / url / "handler.py").write_text(
                "def handle(data, context):\n    return data and ['plain'] * len(data or [])\n"
            )
            await b.engine.register(Registration(url, initial_workers=1))
            assert (await b.ask("own")).body == b"plain"
            assert b.engine.describe("own")[0].spec.python == ""

    run(scenario())
