"""KServe's paths: aliases of predictions and explanations on the default version (spec 1.7)."""

from __future__ import annotations

from tsnb import __version__
from tsnb.errors import NotFound
from tsnb.rest.inference import predict
from tsnb.rest.routes import ANY, NO_ROUTE, Doors, Listener, Request, Response, json_response, route


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


@route((*ANY, "OPTIONS"), "/v2", Listener.INFERENCE)
async def server_metadata(doors: Doors, request: Request) -> Response:
    """The server's name in the Open Inference Protocol, where that is switched on."""
    _need_protocol(doors)
    # The misspelt key is TorchServe's, the right one is what the protocol says.
    extensions = ["kserve", "kubeflow"]
    return json_response({"name": "Torchserve", "version": __version__, "extenstion": extensions})


@route((*ANY, "OPTIONS"), "/v2/health/live", Listener.INFERENCE)
async def server_live(doors: Doors, request: Request) -> Response:
    """Whether the server runs: always, in the Open Inference Protocol."""
    _need_protocol(doors)
    return json_response({"live": True})


@route((*ANY, "OPTIONS"), "/v2/health/ready", Listener.INFERENCE)
async def server_ready(doors: Doors, request: Request) -> Response:
    """Whether the server takes requests: always, as in TorchServe; ``/ping`` knows of the models."""
    _need_protocol(doors)
    return json_response({"ready": True})


@route((*ANY, "OPTIONS"), "/v2/models/{model_name}/versions/{rest...}", Listener.INFERENCE)
async def versions(doors: Doors, request: Request) -> Response:
    """Versions, which TorchServe does not have in the Open Inference Protocol."""
    _need_protocol(doors)
    return json_response({"error": "Model versioning is not yet supported."}, 501)


def _need_protocol(doors: Doors) -> None:
    if not doors.config.ts_open_inference_protocol:
        raise NotFound(NO_ROUTE)


@route("GET", "/v1/models/{model_name}", Listener.MANAGEMENT)
async def kserve_ready(doors: Doors, request: Request) -> Response:
    """Whether a model has workers, loaded or not."""
    name = request.params["model_name"]
    return json_response({"name": name, "ready": bool(doors.engine.describe(name)[0].workers)})
