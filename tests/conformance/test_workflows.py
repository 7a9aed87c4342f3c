"""Workflows under the real TorchServe beside tsnb's; each takes the other's archives (spec 8.5, 10)."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from support.served import put_in_store

from tests.conformance.houses import House
from tests.conformance.servers import Server
from tsnb.archive.workflow import archive_workflow

pytestmark = [pytest.mark.torchserve, pytest.mark.timeout(300)]

STEPS = Path(__file__).parent.parent / "archives" / "workflows" / "steps.py"
MODEL = "models: {retry-attempts: 2, timeout-ms: 5000, echo: {url: echo-1.0.mar, max-workers: 2, batch-size: 2}}\n"
SPECS = {
    "chain": MODEL + "dag: {first: [echo], echo: [last]}",
    "leaves": MODEL + "dag: {first: [echo, table], echo: [last]}",
    "join": MODEL + "dag: {first: [echo, table], echo: [last], table: [last]}",
    "failing": MODEL + "dag: {first: [fail]}",
}


@pytest.fixture(scope="module")
def archives(torchserve: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``theirs-NAME.war`` was made by torch-workflow-archiver, ``ours-NAME.war`` by tsnb."""
    folder, sources = tmp_path_factory.mktemp("workflows"), tmp_path_factory.mktemp("sources")
    put_in_store(folder, "echo", "echo.py")
    for name, text in SPECS.items():
        spec = sources / f"{name}.yaml"
        spec.write_text(text)
        archive_workflow(f"ours-{name}", spec_file=spec, handler=STEPS, export_path=folder)
        command = [torchserve / "torch-workflow-archiver", "--workflow-name", f"theirs-{name}", "--spec-file", spec]
        subprocess.run([*command, "--handler", STEPS, "--export-path", folder], check=True, capture_output=True)
    return folder


def test_both_answer_alike(archives: Path, tmp_path: Path) -> None:
    """TorchServe with tsnb's archives, tsnb with TorchServe's."""
    said = []
    for kind, archiver in (("torchserve", "ours"), ("tsnb", "theirs")):
        (tmp_path / kind).mkdir()
        with Server(kind, House(), tmp_path / kind, archives) as server:
            said.append([answers(server, archiver, name) for name in SPECS])
    for theirs, ours in zip(*said, strict=True):
        assert ours == theirs


def answers(server: Server, archiver: str, name: str) -> list[tuple[int, Any]]:
    calls = [
        ("management", "POST", f"workflows?url={archiver}-{name}.war&workflow_name={name}"),
        ("management", "POST", f"workflows?url={archiver}-{name}.war&workflow_name={name}"),
        ("management", "GET", f"workflows/{name}"),
        ("management", "GET", "workflows"),
        ("management", "GET", "models"),
        ("management", "PUT", f"workflows/{name}"),
        ("inference", "POST", f"wfpredict/{name}"),
        ("management", "DELETE", f"workflows/{name}"),
        ("inference", "POST", f"wfpredict/{name}"),
    ]
    return [call(server, *each, archiver) for each in calls]


def call(server: Server, listener: str, method: str, path: str, archiver: str) -> tuple[int, Any]:
    """Status and JSON, whoever made the archive."""
    body = b"x" if listener == "inference" else None
    url = f"http://127.0.0.1:{server.ports[listener]}/{path}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/octet-stream"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as found:
            status, text = found.status, found.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    return status, json.loads(text.replace(f"{archiver}-", ""))
