"""The documentation says what is so: commands of the README run, the settings page is current, links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SLOW = {"make demo", "make test", "pip install ."}
"""Commands that continuous integration runs by themselves (``.ci/run``), the last one in tests/check_install.py."""


def readme_commands():
    """Every line of the README's ``sh`` blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [line for block in blocks for line in block.strip().splitlines()]


def test_the_readme_names_the_two_commands():
    assert readme_commands()[:2] == ["make demo", "make test"]


def test_slow_commands_are_run_by_continuous_integration():
    script = (ROOT / ".ci" / "run").read_text()
    assert "make demo" in script
    assert "make test" in script
    assert "make check-install" in script


@pytest.mark.parametrize("command", [line for line in readme_commands() if line not in SLOW])
def test_a_command_of_the_readme_works(command, tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        shlex.split(command), cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_the_extension_is_enabled_and_ok(tmp_path):
    command = [str(Path(sys.executable).parent / "jupyter"), "server", "extension", "list"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    said = re.sub(r"\x1b\[\d+m", "", result.stdout + result.stderr)
    assert re.search(r"tsnb enabled", said)
    assert re.search(r"tsnb \S+ OK", said)


def test_the_settings_page_is_current():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from make_configuration import page
    finally:
        sys.path.pop(0)
    assert (ROOT / "docs" / "configuration.md").read_text() == page(), "run make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_machine_is_named(page):
    assert not re.search(r"/(home|root|Users)/\w+", page.read_text())
