"""``workflow_archiver``, as scripts that were written for torch-workflow-archiver use it."""

from __future__ import annotations

import json
import zipfile
from argparse import Namespace
from pathlib import Path

import pytest

from tsnb.compat.workflow_archiver import __version__
from tsnb.compat.workflow_archiver.arg_parser import ArgParser
from tsnb.compat.workflow_archiver.workflow_archiver_error import WorkflowArchiverError
from tsnb.compat.workflow_archiver.workflow_packaging import generate_workflow_archive, package_workflow
from tsnb.compat.workflow_archiver.workflow_packaging_utils import WorkflowExportUtils


@pytest.fixture
def args(tmp_path: Path) -> Namespace:
    (tmp_path / "w.yaml").write_text("dag: {f: []}")
    (tmp_path / "h.py").write_text("def f(data, context): return data\n")
    words = ["--workflow-name", "w", "--spec-file", str(tmp_path / "w.yaml"), "--handler", str(tmp_path / "h.py")]
    return ArgParser.workflow_archiver_args_parser().parse_args([*words, "--export-path", str(tmp_path)])


def test_an_archive_from_parsed_flags(args: Namespace) -> None:
    manifest = WorkflowExportUtils.generate_manifest_json(args)
    package_workflow(args, manifest)
    with zipfile.ZipFile(f"{args.export_path}/w.war") as archive:
        assert archive.read("WAR-INF/MANIFEST.json").decode() == manifest
    assert json.loads(manifest)["workflow"] == {"workflowName": "w", "specFile": "w.yaml", "handler": "h.py"}
    assert json.loads(manifest)["archiverVersion"] == __version__


def test_a_refusal_ends_the_process_and_a_missing_file_raises(
    args: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    package_workflow(args, "{}")
    with pytest.raises(SystemExit) as ended:
        package_workflow(args, "{}")
    assert ended.value.code == 1
    assert "already exists" in caplog.text
    args.force, args.handler = True, "no.py"
    with pytest.raises(FileNotFoundError):
        package_workflow(args, "{}")


def test_the_command(args: Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["torch-workflow-archiver", "--workflow-name", "mine", "--spec-file", "w.yaml"])
    generate_workflow_archive()
    assert (tmp_path / "mine.war").exists()


def test_checks(args: Namespace) -> None:
    WorkflowExportUtils.validate_inputs("w", args.export_path)
    for name, folder in [("a b", args.export_path), ("w", "no")]:
        with pytest.raises(WorkflowArchiverError):
            WorkflowExportUtils.validate_inputs(name, folder)
    assert WorkflowExportUtils.check_war_already_exists("w", args.export_path, False) == args.export_path
    package_workflow(args, "{}")
    with pytest.raises(WorkflowArchiverError, match="already exists"):
        WorkflowExportUtils.check_war_already_exists("w", args.export_path, False)
