"""Settings that make no sense: one line that names the setting, and nothing half started."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.command import DEADLINE, TSNB, clean_environment

from tests.notebook_server import NotebookServer

MODELS = "models must be a JSON object of models, versions and their settings"
SETTINGS = {
    "allowed_urls=[": "allowed_urls: '[' is no regular expression",
    "blacklist_env_vars=(": "blacklist_env_vars: '(' is no regular expression",
    "default_response_timeout=0": "default_response_timeout=0.0 must be at least 0.1",
    'models={"a": 1}': MODELS,
    'models={"a": {"1.0": 1}}': MODELS,
    'models={"a": {"1.0": {"minWorkers": "many"}}}': MODELS,
    'models={"a": ': "models is not valid JSON",
    'model_snapshot={"models": [1]}': "model_snapshot must be a JSON object",
    'model_snapshot={"models": {"a": {"1.0": {"marName": "missing.mar"}}}}': "'missing.mar', which is not in",
}


def test_settings_of_tsnb_serve(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    flags = ["--model-store", "store", "--port", "0", "--models", "all", "--ts-config"]
    running = {}
    for number, text in enumerate(SETTINGS):
        (tmp_path / f"{number}.properties").write_text(text + "\n")
        running[text] = subprocess.Popen(
            [*TSNB, "serve", *flags, f"{number}.properties"],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    for text, process in running.items():
        said, complained = process.communicate(timeout=DEADLINE)
        assert (process.returncode, said) == (1, ""), complained
        assert SETTINGS[text] in complained
        assert complained.count("\n") == 1


@pytest.mark.parametrize("flag", ["--TsnbApp.allowed_urls=[", "--TsnbApp.job_queue_size=0"])
def test_a_notebook_server_goes_on_without_the_extension_and_still_stops(tmp_path: Path, flag: str) -> None:
    with NotebookServer(tmp_path, options=(flag,)) as server:
        assert server.request("GET", "tsnb/ping")[0] == 404
        assert "ConfigError" in server.log.read_text()
    assert server.stopped_by_itself
