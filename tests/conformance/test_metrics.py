"""Metrics and log lines beside those of TorchServe, in each of its modes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.metrics import MODES, RECORDING, archives, ask
from tests.conformance.servers import Kind

RECORDED = json.loads(RECORDING.read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archives(tmp_path_factory.mktemp("metrics") / "archives")


@pytest.mark.parametrize("mode", MODES)
def test_tsnb_shows_and_writes_what_torchserve_does(tmp_path: Path, made: Path, mode: str) -> None:
    same("tsnb", mode, tmp_path, made)


@pytest.mark.torchserve
@pytest.mark.parametrize("mode", MODES)
def test_the_recording_is_what_torchserve_does(tmp_path: Path, made: Path, mode: str, torchserve: Path) -> None:
    same("torchserve", mode, tmp_path, made)


def same(kind: Kind, mode: str, folder: Path, made: Path) -> None:
    for name, lines in ask(kind, mode, folder, made).items():
        assert lines == RECORDED[mode][name], name
