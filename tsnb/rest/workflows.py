"""The workflow API: register, describe, list, unregister, run (spec 10.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tsnb import messages
from tsnb.engine.workflows import Wanted, Workflow
from tsnb.errors import BadRequest, WorkflowNotFound
from tsnb.rest import operations
from tsnb.rest.bodies import parameters
from tsnb.rest.management import LIST, need_model_api, register_values
from tsnb.rest.operations import PAGE
from tsnb.rest.routes import ANY, Doors, Listener, Request, Response, json_response, route, status_response

REGISTER = {
    "url": "A workflow archive in the workflow store, or a URL. Required.",
    "workflow_name": "The name in every other path. Default: the archive's.",
    "response_timeout": "Seconds that a worker of a node may take for a batch. Default: 120.",
    "startup_timeout": "Seconds that a worker of a node may take to load. Default: 120.",
}


@route("GET", "/workflows", Listener.MANAGEMENT, query=LIST)
async def list_workflows(doors: Doors, request: Request) -> Response:
    """The workflows and where they came from, page by page."""
    served = [doors.workflows.get(name) for name in doors.workflows.names()]
    rows = [{"workflowName": each.name, "workflowUrl": each.url} for each in served]
    limit = operations.integer(request.argument("limit"), PAGE)
    offset = operations.integer(request.argument("next_page_token"), 0)
    return json_response(operations.page("workflows", rows, limit, offset))


@route("POST", "/workflows", Listener.MANAGEMENT, access="manage", query=REGISTER)
async def register_workflow(doors: Doors, request: Request) -> Response:
    """Take in a workflow archive and start its nodes."""
    need_model_api(doors)
    workflow = await doors.workflows.register(_wanted(register_values(request)))
    return status_response(f"Workflow {workflow.name} has been registered and scaled successfully.")


@route("GET", "/workflows/{workflow_name}/{rest...}", Listener.MANAGEMENT)
async def describe_workflow(doors: Doors, request: Request) -> Response:
    """A workflow's settings and its nodes."""
    return json_response([_description(doors.workflows.get(request.params["workflow_name"]))])


@route("DELETE", "/workflows/{workflow_name}/{rest...}", Listener.MANAGEMENT, access="manage")
async def unregister_workflow(doors: Doors, request: Request) -> Response:
    """Stop a workflow's nodes and forget it."""
    need_model_api(doors)
    name = request.params["workflow_name"]
    await doors.workflows.unregister(name)
    return status_response(f'Workflow "{name}" unregistered')


@route(ANY, "/wfpredict/{workflow_name}/{rest...}", Listener.INFERENCE, access="infer")
async def predict_workflow(doors: Doors, request: Request) -> Response:
    """Run a workflow on the body."""
    asked = messages.Request(request.id, request.headers, parameters(request))
    found = await doors.workflows.predict(request.params["workflow_name"], asked)
    if len(found) == 1:
        (output,) = found.values()
        return Response(200, output, {"content-type": "application/json"})
    return json_response({leaf: _value(output) for leaf, output in found.items()})


def _wanted(values: Mapping[str, str]) -> Wanted:
    if not values.get("url"):
        raise (
            WorkflowNotFound("Workflow not found at: ") if "url" in values else BadRequest("Parameter url is required.")
        )
    return Wanted(
        values["url"],
        values.get("workflow_name") or "",
        operations.integer(values.get("response_timeout"), None),
        operations.integer(values.get("startup_timeout"), None),
    )


def _description(workflow: Workflow) -> dict[str, Any]:
    settings = workflow.spec.settings
    return {
        "workflowName": workflow.name,
        "workflowUrl": workflow.url,
        "minWorkers": settings.min_workers,
        "maxWorkers": settings.max_workers,
        "batchSize": settings.batch_size,
        "maxBatchDelay": settings.max_batch_delay,
        "workflowDag": workflow.spec.dag,
    }


def _value(output: bytes) -> Any:
    """A leaf's output among others: its JSON value, or its text."""
    text = output.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
