"""``tsnb archive`` beside torch-model-archiver, command line by command line (spec 5.3)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.archiver_table import CASES, RECORDED, SAID, play

REAL = Path(os.environ.get("TORCHSERVE_BIN", Path(__file__).parents[2] / ".venv-torchserve" / "bin"))
ARCHIVER = REAL / "torch-model-archiver"
EXPECTED: dict[str, Any] = json.loads(RECORDED.read_text())


@pytest.mark.parametrize("name", CASES)
def test_it_does_what_torch_model_archiver_did(name: str) -> None:
    found, said = play([sys.executable, "-m", "tsnb", "archive"], CASES[name])
    assert found == EXPECTED[name]
    assert SAID.get(name, "") in said


@pytest.mark.torchserve
@pytest.mark.skipif(not ARCHIVER.exists(), reason="the real archiver is not installed: make conformance installs it")
@pytest.mark.parametrize("name", CASES)
def test_what_was_recorded_is_still_true(name: str) -> None:
    found, said = play([str(ARCHIVER)], CASES[name])
    assert found == EXPECTED[name]
    assert SAID.get(name, "") in said
