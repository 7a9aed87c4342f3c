"""The inference service: health and predictions (spec 4.1, 4.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

from tsnb import messages
from tsnb.config import Config
from tsnb.engine.api import Stream
from tsnb.errors import RequestTooLarge, TsnbError
from tsnb.messages import Parameter, Reply
from tsnb.rest.routes import Doors, close
from tsnb.rpc import statuses
from tsnb.rpc.calls import Call, method
from tsnb.rpc.descriptors import INFERENCE, Message, message
from tsnb.rpc.statuses import MissingParameter, inference_code

Health = message("inference.TorchServeHealthResponse")
Prediction = message("inference.PredictionResponse")
ErrorInfo = message("google.rpc.ErrorInfo")


@method(INFERENCE, "Ping")
async def ping(doors: Doors, request: Message, call: Call) -> Message:
    """Whether the default version of every model has its workers; no error where it has not."""
    word = "Healthy" if doors.engine.healthy() else "Unhealthy"
    return Health(health=f'{{\n  "status": "{word}"\n}}')


@method(INFERENCE, "Predictions", inference_code)
async def predictions(doors: Doors, request: Message, call: Call) -> Message:
    """Run a model on the input. An answer in parts is joined: this method has one message for it."""
    answer = await _predict(doors, request, call.id)
    if isinstance(answer, Reply):
        return _prediction(doors, answer)
    async with aclosing(_Parts(answer)) as parts:
        return Prediction(prediction=await _joined(parts, doors.config.max_response_size))


@method(INFERENCE, "StreamPredictions", inference_code)
async def stream_predictions(doors: Doors, request: Message, call: Call) -> AsyncIterator[Message]:
    """Run a model on the input and send its answer part by part; one that comes at once is the only part."""
    answer = await _predict(doors, request, call.id)
    if isinstance(answer, Reply):
        yield _prediction(doors, answer)
        return
    async with aclosing(_Parts(answer)) as parts:
        async for part in parts:
            yield _prediction(doors, part)


@method(INFERENCE, "StreamPredictions2", inference_code)
async def stream_predictions2(doors: Doors, requests: AsyncIterator[Message], call: Call) -> AsyncIterator[Message]:
    """Answer request after request of a sequence; one that fails is told in its place, and the others go on."""
    async for request in requests:
        request_id = str(uuid4())
        try:
            _need_sequence(doors, request)
            answer = await _predict(doors, request, request_id)
            if isinstance(answer, Reply):
                yield _prediction(doors, answer)
                continue
            async with aclosing(_Parts(answer)) as parts:
                async for part in parts:
                    yield _prediction(doors, part)
        except TsnbError as error:
            yield Prediction(status=status(error))


def status(error: TsnbError) -> Message:
    """An error as a part of an answer: google.rpc.Status with an ErrorInfo that names the class."""
    found = message("google.rpc.Status")(code=inference_code(error).value[0], message=error.message)
    found.details.add().Pack(ErrorInfo(reason=statuses.name(error)))
    return found


async def _predict(doors: Doors, request: Message, request_id: str) -> Reply | Stream:
    if not request.model_name:
        raise MissingParameter("Parameter model_name is required.")
    # No content type: values reach the handler as bytes, whatever is in them.
    values = tuple(Parameter(name, value) for name, value in request.input.items())
    asked = messages.Request(request_id, _headers(doors.config, request), values)
    try:
        return await doors.engine.predict(request.model_name, request.model_version or None, asked)
    except TsnbError as error:
        if statuses.succeeded(error):
            return Reply(b"error")  # what TorchServe says there
        raise


def _headers(config: Config, request: Message) -> dict[str, str]:
    """What handlers of sequences find in the headers of REST: the name, and whether the sequence begins or ends."""
    found = {config.ts_header_key_sequence_id: request.sequence_id} if request.sequence_id else {}
    marks = config.ts_header_key_sequence_start, config.ts_header_key_sequence_end
    return found | {name: "true" for name in marks if _is_true(request, name)}


def _is_true(request: Message, entry: str) -> bool:
    return bool(request.input.get(entry, b"").lower() == b"true")


def _need_sequence(doors: Doors, request: Message) -> None:
    """A request names its sequence, or says that it is the first: then the engine makes a name (spec 1.9)."""
    if request.sequence_id or not request.model_name:
        return
    if not _is_true(request, doors.config.ts_header_key_sequence_start):
        raise MissingParameter("Parameter sequenceId is required.")


def _prediction(doors: Doors, reply: Reply) -> Message:
    """The body, and the sequence that the handler names in a header. Its status is not told (spec 4.4)."""
    return Prediction(
        prediction=bytes(reply.body), sequence_id=reply.headers.get(doors.config.ts_header_key_sequence_id)
    )


async def _joined(parts: AsyncIterator[Reply], limit: int) -> bytes:
    found = bytearray()
    async for part in parts:
        found += part.body
        if len(found) > limit:
            raise RequestTooLarge(
                f"The answer has over {limit} bytes (max_response_size). Call StreamPredictions to get it in parts."
            )
    return bytes(found)


class _Parts:
    """A stream with its first part; empty parts are left out, and closing it cancels the work."""

    def __init__(self, stream: Stream) -> None:
        self._first: Reply | None = stream.first
        self._later = stream.parts

    def __aiter__(self) -> _Parts:
        return self

    async def __anext__(self) -> Reply:
        while True:
            part, self._first = self._first, None
            if part is None:
                part = await anext(self._later)
            if part.body:
                return part

    async def aclose(self) -> None:
        """Give up what is still to come."""
        await close(self._later)
