"""``tsnb shims``: scripts written for TorchServe run unchanged with its folders on the paths."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from support.command import DEADLINE, clean_environment, one_line, run

ADDRESSES = "".join(f"{name}_address=http://127.0.0.1:0\n" for name in ("inference", "management", "metrics"))
CONFIG = ADDRESSES + "grpc_inference_port=0\ngrpc_management_port=0\nenable_model_api=true\n"

SCRIPT = """\
set -e
torch-model-archiver --model-name shouting --version 1.0 --handler handler.py --export-path store
test -f store/shouting.mar
printf 'dag: {}\\nmodels: {m: {url: m.mar}}\\n' > flow.yaml
torch-workflow-archiver --workflow-name flow --spec-file flow.yaml --handler handler.py --export-path store
test -f store/flow.war
torchserve --version
torchserve --start --model-store store --models shouting=shouting.mar --ts-config config.properties \\
    --disable-token-auth --ncs > server.log 2>&1
for attempt in $(seq 300); do
    grep -q "Model server started" server.log && break
    sleep 0.1
done
url=$(sed -n 's/^Inference address: //p' server.log)
for attempt in $(seq 300); do
    curl --noproxy '*' -sf -d hello "$url/predictions/shouting" && break
    sleep 0.1
done
echo
torchserve --stop
"""

TEST_SUITE = """\
import ts
from ts import launcher
from ts.version import __version__
from ts.torch_handler.base_handler import BaseHandler
import model_archiver
from model_archiver.arg_parser import ArgParser
from model_archiver.manifest_components.manifest import RuntimeType
from model_archiver.model_archiver import ModelArchiver
from model_archiver.model_archiver_config import ModelArchiverConfig
from model_archiver.model_archiver_error import ModelArchiverError
from model_archiver.model_packaging import generate_model_archive
from model_archiver.model_packaging_utils import ModelExportUtils
import workflow_archiver
from workflow_archiver.workflow_archiver_error import WorkflowArchiverError
from workflow_archiver.workflow_packaging import generate_workflow_archive

assert ts.__version__ == __version__ == model_archiver.__version__ == "0.12.0"
assert workflow_archiver.__version__ == "0.2.15"
config = ModelArchiverConfig(model_name="a", handler="handler.py", version="1.0", export_path="store")
ModelArchiver.generate_model_archive(config)
try:
    ModelArchiver.generate_model_archive(config)
except ModelArchiverError as error:
    assert "already exists" in str(error), error
else:
    raise AssertionError("no error")
again = {**vars(config), "force": True, "runtime": RuntimeType.PYTHON3.value}
ArgParser.export_model_args_parser = staticmethod(lambda: ModelArchiverConfig(**again))
generate_model_archive()
try:
    ModelArchiver.generate_model_archive(ModelArchiverConfig(model_name="b", handler="nowhere", version="2"))
except FileNotFoundError as error:
    assert "nowhere.py" in str(error), error
assert ModelExportUtils.get_archive_export_path("/x", "m", "tgz") == "/x/m.tar.gz"

lines = launcher.start(
    model_store="store", snapshot_file="config.properties", no_config_snapshots=True, disable_token=True,
    models="a=a.mar",
)
launcher.stop()
said = list(iter(lines.get, None))
assert any("Stopping" in line for line in said), said
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("store", "tmp", "with a blank"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.properties").write_text(CONFIG)
    (tmp_path / "handler.py").write_text("def handle(data, context):\n    return [b'HELLO' for _ in data or []]\n")
    assert run("shims", "with a blank/shims", folder=tmp_path).returncode == 0
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    shims = folder / "with a blank" / "shims"
    path = f"{shims}{os.pathsep}{os.environ['PATH']}"
    return clean_environment({"PATH": path, "PYTHONPATH": str(shims / "python"), "TMPDIR": str(folder / "tmp")})


def play(folder: Path, *command: str) -> Any:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE,
        check=False,
    )


def test_a_shell_script_archives_serves_asks_and_stops(folder: Path) -> None:
    done = play(folder, "sh", "-c", SCRIPT)
    assert done.returncode == 0, done.stderr + (folder / "server.log").read_text()
    assert done.stdout.splitlines() == ["TorchServe Version is 0.12.0", "HELLO", "TorchServe has stopped."]
    assert not (folder / "tmp" / ".model_server.pid").exists()


def test_a_test_suite_imports_what_it_knows(folder: Path) -> None:
    done = play(folder, sys.executable, "-c", TEST_SUITE)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Model server started." in done.stdout


def test_it_says_how_the_folders_are_used_and_may_be_run_again(folder: Path) -> None:
    script = 'eval "$("$0" -m tsnb shims "with a blank/shims")"; command -v torchserve; echo "$PYTHONPATH"'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    shims = folder / "with a blank" / "shims"
    found, path = done.stdout.splitlines()
    assert found == str(shims / "torchserve")
    assert path.split(os.pathsep)[0] == str(shims / "python")


def test_a_command_that_is_not_ours_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "torchserve").write_text("#!/bin/sh\necho the real one\n")
    done = run("shims", ".", folder=tmp_path)
    assert done.returncode == 1
    assert "is not tsnb's" in one_line(done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["torchserve"]


def test_a_language_model_is_served_with_one_command(folder: Path) -> None:
    environ = {**environment(folder), "TS_CONFIG_FILE": "config.properties", "PYTHONUNBUFFERED": "1"}
    words = ["--model_name", "llm", "--model_store", "store", "--model_id", "tiny", "--disable_token_auth"]
    command = [sys.executable, "-m", "ts.llm_launcher", *words, "--vllm_engine.max_model_len", "512"]
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        said = list(takewhile(lambda line: "Model server started" not in line, launcher.stdout))
        url = next(line for line in said if line.startswith("Management address: ")).partition(": ")[2].strip()
        model = httpx.get(f"{url}/models/llm", trust_env=False).json()[0]
        config = yaml.safe_load((folder / "store" / "llm" / "model-config.yaml").read_text())
        launcher.terminate()
        launcher.communicate(timeout=DEADLINE)
    assert (model["batchSize"], model["startupTimeout"], len(model["workers"])) == (1, 1200, 1)
    assert config["handler"]["model_path"] == "tiny"
    assert config["handler"]["vllm_engine_config"]["max_model_len"] == 512
    assert launcher.returncode == 0
    assert list((folder / "store").iterdir()) == []
    assert not (folder / "tmp" / ".model_server.pid").exists()
