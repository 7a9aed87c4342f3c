"""The bundle in ``tsnb/labextension`` belongs to the sources beside it, and its types to the structs in Python."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "labextension"
BUNDLE = ROOT / "tsnb" / "labextension"
MOST = 300_000
REMEDY = "run `make labextension` (it needs node) and commit tsnb/labextension"


def load(name: str) -> ModuleType:
    """A script of the extension's folder as a module."""
    spec = importlib.util.spec_from_file_location(f"labextension_{name}", SOURCES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bundle_was_built_from_these_sources() -> None:
    noted = json.loads((BUNDLE / "build.json").read_text())["sources"]
    assert noted == load("build").digest(), f"the sources changed: {REMEDY}"


def test_the_bundle_is_whole_and_small() -> None:
    package = json.loads((BUNDLE / "package.json").read_text())
    assert (BUNDLE / package["jupyterlab"]["_build"]["load"]).is_file()
    assert (BUNDLE / "schemas" / "tsnb" / "panel.json").is_file()
    assert json.loads((BUNDLE / "install.json").read_text())["packageManager"] == "python"
    files = [path for path in BUNDLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < MOST / 4
    assert not [path.name for path in files if path.suffix == ".map"]


def test_what_the_page_calls_a_field_is_one_in_python() -> None:
    """Python may have fields that the page does not know; what the page knows must be there, and be of that type."""
    wire = load("wire")
    known = wire.interfaces()
    written = dict(re.findall(r"export interface (\w+) \{\n(.*?)\}", wire.TARGET.read_text(), re.DOTALL))
    assert written
    for name, body in written.items():
        fields = dict(re.findall(r"^  (\w+\??): (.*);$", body, re.MULTILINE))
        assert name in known, f"{name} is no struct any more: {REMEDY}"
        for field, kind in fields.items():
            assert known[name].get(field) == kind, f"{name}.{field}: {REMEDY}"


def test_jupyterlab_finds_it() -> None:
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    listed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert re.search(r"tsnb v\S+ enabled OK", listed), listed


def test_the_lock_file_names_no_server() -> None:
    """Whatever registry is configured gives the packages; their digests say whether they are the right ones."""
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    for name, each in packages.items():
        assert not each.get("resolved", "").startswith("http"), name
        assert "integrity" in each or each.get("link") or not name.startswith("node_modules/"), name


def test_no_text_is_shown_that_cannot_be_translated() -> None:
    """Words between tags, and in the attributes that people see or hear, go through the translator."""
    for path in (SOURCES / "src").rglob("*.tsx"):
        text = path.read_text()
        assert not re.findall(r">\s*[A-Z][a-z]+[a-z ]*\s*</", text), path.name
        assert not re.findall(r'(?:aria-label|title|placeholder|alt|label)="[A-Za-z ]+"', text), path.name


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on PATH")
@pytest.mark.skipif(
    not (SOURCES / "node_modules" / "typescript").is_dir(),
    reason="labextension/node_modules is not there: make labextension",
)
def test_the_typescript_compiles_and_its_tests_pass() -> None:
    done = subprocess.run(["npm", "test"], cwd=SOURCES, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
