"""The Open Inference Protocol's service (spec 4.3)."""

from __future__ import annotations

import json

from tsnb import __version__, messages
from tsnb.engine.api import Stream
from tsnb.errors import HandlerFailed
from tsnb.messages import Parameter
from tsnb.rest.routes import Doors, close
from tsnb.rpc import tensors
from tsnb.rpc.calls import Call, method
from tsnb.rpc.descriptors import OPEN_INFERENCE, Message, message
from tsnb.rpc.statuses import MissingParameter, inference_code, look_code


@method(OPEN_INFERENCE, "ServerLive")
async def server_live(doors: Doors, request: Message, call: Call) -> Message:
    """Whether the server answers: it does."""
    return message("openinference.ServerLiveResponse")(live=True)


@method(OPEN_INFERENCE, "ServerReady")
async def server_ready(doors: Doors, request: Message, call: Call) -> Message:
    """Whether the server takes requests: it does."""
    return message("openinference.ServerReadyResponse")(ready=True)


@method(OPEN_INFERENCE, "ServerMetadata")
async def server_metadata(doors: Doors, request: Message, call: Call) -> Message:
    """What this server is."""
    return message("openinference.ServerMetadataResponse")(name="tsnb", version=__version__)


@method(OPEN_INFERENCE, "ModelReady", look_code)
async def model_ready(doors: Doors, request: Message, call: Call) -> Message:
    """Whether a model has the workers it needs."""
    _need("name", request.name)
    (found,) = doors.engine.describe(request.name, request.version or None)
    ready = sum(worker.state == "ready" for worker in found.workers)
    return message("openinference.ModelReadyResponse")(ready=ready >= found.spec.min_workers)


@method(OPEN_INFERENCE, "ModelMetadata", look_code)
async def model_metadata(doors: Doors, request: Message, call: Call) -> Message:
    """A model's name and versions; archives do not say what tensors they take."""
    _need("model_name", request.name)
    doors.engine.describe(request.name, request.version or None)
    versions = [each.spec.version for each in doors.engine.describe(request.name, "all")]
    return message("openinference.ModelMetadataResponse")(name=request.name, versions=versions)


@method(OPEN_INFERENCE, "ModelInfer", inference_code)
async def model_infer(doors: Doors, request: Message, call: Call) -> Message:
    """Run a model on tensors: the handler gets the JSON of the protocol's REST form as ``body``, and answers in it."""
    _need("model_name", request.model_name)
    body = json.dumps(tensors.to_json(request)).encode()
    asked = messages.Request(call.id, {}, (Parameter("body", body, "application/json"),))
    answer = await doors.engine.predict(request.model_name, request.model_version or None, asked)
    if isinstance(answer, Stream):
        await close(answer.parts)
        raise HandlerFailed("The handler answers in parts, which this method cannot send. Call StreamPredictions.")
    return tensors.to_message(answer.body)


def _need(parameter: str, value: str) -> None:
    if not value:
        raise MissingParameter(f"Parameter {parameter} is required.")
