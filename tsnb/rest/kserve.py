"""KServe's paths: aliases of predictions and explanations on the default version (spec 1.7)."""

from __future__ import annotations

from tsnb.rest.inference import predict
from tsnb.rest.routes import ANY, Doors, Listener, Request, Response, json_response, route


@route(ANY, "/v1/models/{model_name}:predict", Listener.INFERENCE, access="infer")
@route(ANY, "/v2/models/{model_name}/infer", Listener.INFERENCE, access="infer")
async def kserve_predictions(doors: Doors, request: Request) -> Response:
    """Run a model, as KServe's protocols call it."""
    return await predict(doors, request, {"explain": "False"})


@route(ANY, "/v1/models/{model_name}:explain", Listener.INFERENCE, access="infer")
@route(ANY, "/v2/models/{model_name}/explain", Listener.INFERENCE, access="infer")
async def kserve_explanations(doors: Doors, request: Request) -> Response:
    """Let a model explain its answer, as KServe's protocols ask for it."""
    return await predict(doors, request, {"explain": "True"})


@route("GET", "/v1/models/{model_name}", Listener.MANAGEMENT)
async def kserve_ready(doors: Doors, request: Request) -> Response:
    """Whether a model has workers, loaded or not."""
    name = request.params["model_name"]
    return json_response({"name": name, "ready": bool(doors.engine.describe(name)[0].workers)})
