"""Workflow archives and their specs (spec 8.5, 10.2)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from tsnb.archive.workflow import archive_workflow, read_workflow
from tsnb.archive.workflow_spec import Settings, Spec, parse
from tsnb.errors import BadRequest, Conflict, InvalidDag, InvalidWorkflow, NotFound, UnsafeArchive

SPEC = """
models:
  min-workers: 1
  max-workers: 4
  retry-attempts: 3
  dog:
    url: dog.mar
    batch-size: 2
  unused:
    url: x.mar
dag:
  first: [dog, last]
  dog: [last, '', null]
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "w.yaml").write_text(SPEC)
    (tmp_path / "steps.py").write_text("def first(data, context): return data\n")
    (tmp_path / "words.txt").write_text("extra")
    return tmp_path


def spec(**dag: list[str] | None) -> Spec:
    return parse(yaml.safe_dump({"models": {"m": {"url": "m.mar"}}, "dag": dag}, sort_keys=False).encode(), "w.yaml")


def test_a_spec_says_what_runs_when_with_which_settings() -> None:
    found = parse(SPEC.encode(), "w.yaml")
    assert found.dag == "{first=[dog, last], dog=[last]}"
    assert [(node.name, node.url, node.before) for node in found.nodes] == [
        ("first", "", ()),
        ("dog", "dog.mar", ("first",)),
        ("last", "", ("first", "dog")),
    ]
    assert found.settings == Settings(max_workers=4, retry_attempts=3)
    assert found.nodes[1].settings == Settings(max_workers=4, batch_size=2, retry_attempts=3)
    assert found.nodes[0].settings == Settings(retry_attempts=3, max_batch_delay=0)
    assert found.leaves == ["last"]


def test_one_node_is_a_workflow() -> None:
    assert spec(m=None).leaves == ["m"]
    assert spec(m=[]).dag == "{m=[]}"


@pytest.mark.parametrize(
    ("dag", "problem"),
    [
        ({"a": ["m"], "b": ["m"]}, "^DAG should have only one start node; it has a, b.$"),
        ({"a": ["b"], "b": ["a"]}, "^DAG should have only one start node; it has none.$"),
        ({"a": ["a"]}, "^Self loop exception: a follows itself.$"),
        ({"s": ["a"], "a": ["b"], "b": ["a"]}, "^Not a valid DAG: a → b → a is a circle.$"),
    ],
)
def test_nodes_that_make_no_workflow(dag: dict[str, list[str] | None], problem: str) -> None:
    with pytest.raises(InvalidDag, match=problem):
        spec(**dag)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("models: [1", "^Failed to parse yaml. w.yaml, line 1: expected"),
        ("", "must hold 'models:' and 'dag:'"),
        ("- 1", "must hold 'models:' and 'dag:'"),
        ("models: {m: {url: m.mar}}", "w.yaml has no dag"),
        ("dag: [a]", "dag must hold 'key: value' lines, but holds a list"),
        ("dag: {a: b}", "dag: a must name what follows it as a list"),
        ("models: {m: {}}\ndag: {m: []}", "models: m needs a url"),
        ("models: {m: m.mar}\ndag: {m: []}", "models: m needs a url"),
        ("models: {max-workers: 0}\ndag: {m: []}", "max-workers is 0. It must be a whole number of at least 1"),
        ("models: {m: {url: u, timeout-ms: soon}}\ndag: {m: []}", "models: m: timeout-ms is 'soon'"),
        ("models: {m: {url: u, batch-size: true}}\ndag: {m: []}", "batch-size is True"),
        ("dag: {no: [a]}", "dag: False is no name, as YAML reads it. Write it in quotes"),
        ("dag: {a: [1]}", "dag: a: 1 is no name"),
        ("a: &a [1]\n" + "x" * 2**20, "has at most 1048576"),
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
    ],
)
def test_a_spec_that_makes_no_sense_says_where(text: str, problem: str) -> None:
    with pytest.raises(InvalidWorkflow, match=problem):
        parse(text.encode(), "w.yaml")


def test_an_archive_holds_spec_handler_extra_files_and_manifest(files: Path) -> None:
    made = archive_workflow(
        "w", spec_file=files / "w.yaml", handler=files / "steps.py", export_path=files, extra_files=files / "words.txt"
    )
    assert made == files / "w.war"
    with zipfile.ZipFile(made) as archive:
        assert set(archive.namelist()) == {"w.yaml", "steps.py", "words.txt", "WAR-INF/MANIFEST.json"}
        manifest = json.loads(archive.read("WAR-INF/MANIFEST.json"))
        assert list(manifest) == ["createdOn", "workflow", "archiverVersion"]
        assert manifest["workflow"] == {"workflowName": "w", "specFile": "w.yaml", "handler": "steps.py"}
        archive.extractall(files / "out")
    described, found = read_workflow(files / "out")
    assert (described.workflow_name, described.handler) == ("w", "steps.py")
    assert found == parse(SPEC.encode(), "w.yaml")


def test_what_the_archiver_refuses_leaves_everything_as_it_was(files: Path) -> None:
    def make(name: str = "w", **said: object) -> Path:
        return archive_workflow(name, **{"spec_file": files / "w.yaml", "export_path": files, **said})

    make()
    before = (files / "w.war").read_bytes()
    for said, error, problem in [
        ({}, Conflict, "w.war already exists.\nPlease specify --force/-f option"),
        ({"name": "a b"}, BadRequest, "Workflow name contains special characters"),
        ({"export_path": files / "no"}, BadRequest, "is not a directory. Point to a valid export-path directory"),
        ({"spec_file": files / "no.yaml", "force": True}, NotFound, "File does not exist"),
        ({"extra_files": "no.txt", "force": True}, NotFound, "File does not exist"),
    ]:
        with pytest.raises(error, match=problem):
            make(**said)
    assert (files / "w.war").read_bytes() == before
    assert sorted(path.name for path in files.iterdir()) == ["steps.py", "w.war", "w.yaml", "words.txt"]
    make(force=True, handler=files / "steps.py")
    assert (files / "w.war").read_bytes() != before


def test_a_spec_that_no_server_takes_is_archived_with_a_warning(files: Path, caplog: pytest.LogCaptureFixture) -> None:
    (files / "w.yaml").write_text("dag: {a: [a]}")
    archive_workflow("w", spec_file=files / "w.yaml", export_path=files)
    assert "Self loop exception" in caplog.text


@pytest.mark.parametrize(
    ("manifest", "problem", "error"),
    [
        (None, "There is no WAR-INF/MANIFEST.json", InvalidWorkflow),
        ("{", "MANIFEST.json cannot be read", InvalidWorkflow),
        ('{"workflow": {"workflowName": "w"}}', "MANIFEST.json cannot be read", InvalidWorkflow),
        ('{"workflow": {"workflowName": "w", "specFile": "no.yaml"}}', "no spec file 'no.yaml'", InvalidWorkflow),
        ('{"workflow": {"workflowName": "w", "specFile": "../w.yaml"}}', "w.yaml", UnsafeArchive),
        ('{"workflow": {"workflowName": "w", "specFile": "w.yaml"}}', "first, last stand in the dag", InvalidWorkflow),
        (
            '{"workflow": {"workflowName": "w", "specFile": "w.yaml", "handler": "no.py"}}',
            "no handler file 'no.py'",
            InvalidWorkflow,
        ),
    ],
)
def test_an_archive_that_is_no_workflow(files: Path, manifest: str | None, problem: str, error: type) -> None:
    if manifest is not None:
        (files / "WAR-INF").mkdir()
        (files / "WAR-INF" / "MANIFEST.json").write_text(manifest)
    with pytest.raises(error, match=problem):
        read_workflow(files)
