"""Workflows over HTTP, with a real server and real workers (spec 10.1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.engine import SmallEngine
from support.served import Served, put_in_store

from tsnb.archive.workflow import archive_workflow
from tsnb.config import Config
from tsnb.rest.routes import Doors, Request, dispatch

STEPS = Path(__file__).parent.parent / "archives" / "workflows" / "steps.py"
DEADLINE = 60.0
MODEL = "models: {echo: {url: echo-1.0.mar, max-workers: 2}}\n"
SPECS = {
    "chain": MODEL + "dag: {first: [echo], echo: [last]}",
    "leaves": MODEL + "dag: {first: [echo, table, plain], echo: [last]}",
    "join": MODEL + "dag: {first: [echo, table], echo: [last], table: [last]}",
    "parts": "dag: {parts: []}",
    "failing": "models: {retry-attempts: 2}\ndag: {first: [fail]}",
    "slowly": "models: {timeout-ms: 100}\ndag: {slow: []}",
    "circle": "dag: {a: [b], b: [c], c: [b]}",
    "lacking": "models: {gone: {url: no.mar}}\ndag: {first: [gone], gone: [nothing]}",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("workflows")
    for name in ("store", "workflows"):
        (folder / name).mkdir()
    put_in_store(folder / "store", "echo", "echo.py")
    for name, text in SPECS.items():
        (folder / f"{name}.yaml").write_text(text)
        archive_workflow(name, spec_file=folder / f"{name}.yaml", handler=STEPS, export_path=folder / "workflows")
    with Served(folder, "--disable-token-auth", "--workflow-store", "workflows") as server:
        yield server


def call(served: Served, method: str, path: str, **said: Any) -> tuple[int, Any]:
    answer = httpx.request(method, f"{served.url}/{path}", timeout=DEADLINE, trust_env=False, **said)
    return answer.status_code, answer.json()


def register(served: Served, name: str, **said: str) -> tuple[int, Any]:
    return call(served, "POST", "workflows", params={"url": f"{name}.war", **said})


@pytest.fixture
def workflow(served: Served, request: pytest.FixtureRequest) -> Iterator[str]:
    """The workflow that the test names, served while it runs."""
    name = request.param
    said = {"status": f"Workflow {name} has been registered and scaled successfully."}
    assert register(served, name) == (200, said)
    yield name
    assert call(served, "DELETE", f"workflows/{name}") == (200, {"status": f'Workflow "{name}" unregistered'})
    assert call(served, "GET", "-/models") == (200, {"models": []})


def predict(served: Served, name: str, **said: Any) -> httpx.Response:
    return httpx.post(f"{served.url}/wfpredict/{name}", timeout=DEADLINE, trust_env=False, **said)


@pytest.mark.parametrize("workflow", ["chain"], indirect=True)
def test_a_request_goes_through_all_nodes(served: Served, workflow: str) -> None:
    answer = predict(served, workflow, content=b"x")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"body": "x>first"}
    assert predict(served, f"{workflow}/1.0", json={"a": 1}).json() == {"body": "{'a': 1}>first"}


@pytest.mark.parametrize("workflow", ["chain"], indirect=True)
def test_a_workflow_is_described_listed_and_made_of_internal_models(served: Served, workflow: str) -> None:
    described = {
        "workflowName": "chain",
        "workflowUrl": "chain.war",
        "minWorkers": 1,
        "maxWorkers": 1,
        "batchSize": 1,
        "maxBatchDelay": 50,
        "workflowDag": "{first=[echo], echo=[last]}",
    }
    assert call(served, "GET", "workflows/chain") == (200, [described])
    row = {"workflowName": "chain", "workflowUrl": "chain.war"}
    assert call(served, "GET", "workflows") == (200, {"workflows": [row]})
    assert call(served, "GET", "workflows?limit=0") == (200, {"nextPageToken": "0", "workflows": []})
    models = [{"modelName": "chain__echo", "modelUrl": "echo-1.0.mar"}]
    assert call(served, "GET", "models") == (200, {"models": models})
    assert [call(served, "GET", f"models/chain__{node}")[1][0]["minWorkers"] for node in ("echo", "last")] == [2, 1]
    assert "modelUrl" not in call(served, "GET", "models/chain__last")[1][0]
    conflict = {"code": 409, "type": "ConflictStatusException", "message": "Workflow chain is already registered."}
    assert register(served, "chain") == (409, conflict)
    assert predict(served, "chain", content=b"x").status_code == 200


@pytest.mark.parametrize("workflow", ["leaves"], indirect=True)
def test_several_leaves_are_told_by_name(served: Served, workflow: str) -> None:
    found = {"table": {"rows": 1}, "plain": "no JSON", "last": {"body": "x>first"}}
    assert predict(served, workflow, content=b"x").json() == found


@pytest.mark.parametrize("workflow", ["join"], indirect=True)
def test_a_node_after_several_gets_each_by_its_name(served: Served, workflow: str) -> None:
    assert predict(served, workflow, content=b"x").json() == {
        "echo": "x>first",
        "table": json.dumps({"rows": 1}, indent=2),
    }


@pytest.mark.parametrize("workflow", ["parts"], indirect=True)
def test_an_answer_in_parts_is_joined(served: Served, workflow: str) -> None:
    assert predict(served, workflow, content=b"x").content == b"one two"


@pytest.mark.parametrize("workflow", ["failing"], indirect=True)
def test_a_node_that_fails_is_named_and_its_failure_kept_for_the_owner(served: Served, workflow: str) -> None:
    answer = predict(served, workflow, content=b"x")
    told = {"code": 500, "type": "InternalServerException", "message": "Error executing fail"}
    assert (answer.status_code, answer.json()) == (500, told)
    _, failure = call(served, "GET", f"-/failures/{answer.headers['x-request-id']}")
    assert failure["message"] == "a secret of the owner"
    _, logs = call(served, "GET", "-/logs/failing__fail")
    assert [line["text"] for line in logs["lines"]].count("asked to fail") == 2


@pytest.mark.parametrize("workflow", ["slowly"], indirect=True)
def test_a_node_that_takes_too_long_is_named(served: Served, workflow: str) -> None:
    answer = predict(served, workflow, content=b"x")
    assert (answer.status_code, answer.json()["message"]) == (500, "Error executing slow")


ERRORS = [
    ({}, 400, "BadRequestException", "Parameter url is required."),
    ({"url": "no.war"}, 404, "WorkflowNotFoundException", "Workflow not found in workflow store: no.war"),
    ({"url": "../no.war"}, 404, "WorkflowNotFoundException", "Relative path is not allowed in url: ../no.war"),
    (
        {"url": "http://127.0.0.1:1/w.war"},
        400,
        "DownloadArchiveException",
        "Failed to download archive from: http://127.0.0.1:1/w.war",
    ),
    ({"url": "circle.war"}, 400, "InvalidDAGException", "Not a valid DAG: b → c → b is a circle."),
    ({"url": "chain.yaml"}, 400, "InvalidWorkflowException", "A workflow is a .war file."),
]


@pytest.mark.parametrize(("said", "status", "kind", "text"), ERRORS)
def test_what_cannot_be_registered(served: Served, said: dict[str, str], status: int, kind: str, text: str) -> None:
    (served.folder / "workflows" / "chain.yaml").write_text("no archive")
    found, error = call(served, "POST", "workflows", params=said)
    assert (found, error["type"]) == (status, kind)
    assert text in error["message"]


def test_when_a_node_does_not_start_nothing_is_left(served: Served) -> None:
    status, error = register(served, "lacking", workflow_name="mine")
    assert (status, error["type"]) == (500, "WorkflowException")
    assert error["message"].startswith("Workflow mine has failed to register. Failures: [")
    assert "Workflow Node mine__gone failed to register. Details: Model not found at: no.mar" in error["message"]
    assert "Failed to start workers for model mine__nothing version: 1.0" in error["message"]
    assert call(served, "GET", "-/models") == (200, {"models": []})
    assert call(served, "GET", "workflows") == (200, {"workflows": []})


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "workflows/no"), ("DELETE", "workflows/no"), ("POST", "wfpredict/no")]
)
def test_an_unknown_workflow(served: Served, method: str, path: str) -> None:
    told = {"code": 404, "type": "WorkflowNotFoundException", "message": "Workflow not found: no"}
    assert call(served, method, path) == (404, told)


def test_other_methods_are_refused(served: Served) -> None:
    for method, path in [("PUT", "workflows/w"), ("POST", "workflows/w"), ("DELETE", "workflows")]:
        assert call(served, method, path)[0] == 405


def test_a_body_may_say_it_as_json(served: Served) -> None:
    said = {"url": "parts.war", "workflow_name": "other", "response_timeout": 7}
    assert call(served, "POST", "workflows", json=said)[0] == 200
    assert call(served, "GET", "models/other__parts")[1][0]["responseTimeout"] == 7
    assert call(served, "DELETE", "workflows/other")[0] == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "/workflows"), ("DELETE", "/workflows/w")])
def test_without_the_model_api_none_come_and_none_go(method: str, path: str) -> None:
    config = Config(enable_model_api=False)
    doors = Doors(SmallEngine(config), config)
    assert asyncio.run(dispatch(doors, Request(method, path, {"url": ["w.war"]}))).status == 405
