"""One loaded model: its handler, its context, and what to answer when something goes wrong."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import time
import uuid
from collections.abc import Callable
from typing import Any

import tsnb
from tsnb import protocol
from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.errors import PredictionException
from tsnb.handlers.finding import EntryPoint
from tsnb.messages import Failure
from tsnb.protocol import Answered, Batch, Buffer, Failed, Load, Message, Ready
from tsnb.worker.arena import opened
from tsnb.worker.failures import describe, printable, text_of, where_returned
from tsnb.worker.loader import load
from tsnb.worker.output import Tail
from tsnb.worker.stages import Stages
from tsnb.worker.values import Unserialisable, decode_value, decode_values, encode_value

logger = logging.getLogger(__name__)

Send = Callable[[Message, list[Buffer]], None]


class InvalidAnswer(Exception):
    """The handler returned no list, or one of the wrong length. ``answer`` is what the client is told."""

    def __init__(self, message: str, answer: str) -> None:
        super().__init__(message)
        self.answer = answer


class Model:
    """A handler that is loaded once and then answers batches."""

    def __init__(self, order: Load, output: Tail, send: Send) -> None:
        self._order = order
        self._output = output
        self._send = send
        self._stages = Stages()
        self._entry: EntryPoint | None = None
        self._events: asyncio.AbstractEventLoop | None = None
        self._arena = opened(order.arena)
        self.context = Context(
            order.model_name,
            order.model_dir,
            order.manifest or None,
            order.batch_size,
            order.gpu_id,
            tsnb.__version__,
            order.limit_max_image_pixels,
            model_yaml_config=order.model_config,
        )

    def load(self) -> bool:
        """Load and say :class:`Ready`; or say :class:`Failed` and return False."""
        start = time.perf_counter()
        self.context.metrics.define(self._order.metrics)
        self.context.metrics.set_request_ids(str(uuid.uuid4()))
        try:
            os.chdir(self._order.model_dir)
            self._entry = load(self._order, self.context, self._stages)
        except Exception as error:
            self._fail(None, error, _load_answer(error), ())
            return False
        _spare_the_collector()
        seconds = time.perf_counter() - start
        notes = tuple(self.context.notes)
        metrics = self.context.metrics.take()
        self._send(Ready(os.getpid(), self._device(), seconds, notes, metrics, self._arena is not None), [])
        return True

    def answer(self, batch: Batch, bodies: Buffer) -> None:
        """Run the handler for one batch; send its :class:`Result`, or :class:`Failed`."""
        self._stages.clear()
        try:
            self._stages.run("encode", self._send, *self._result(batch, bodies))
        except Exception as error:
            self._fail(batch.number, error, batch_answer(error), batch.ids)
        finally:
            self.context.stream = None

    def _result(self, batch: Batch, bodies: Buffer) -> tuple[Message, list[Buffer]]:
        data = self._stages.run("decode", self._open, batch, bodies)
        start = time.perf_counter()
        results = self._stages.run("handle", self._call, data)
        return self._made(batch, results, time.perf_counter() - start)

    def _made(self, batch: Batch, results: Any, seconds: float) -> tuple[Message, list[Buffer]]:
        """What the handler returned, after so many seconds, as a message."""
        _check(results, len(batch.ids))
        self.context.metrics.add_time("PredictionTime", round(seconds * 1000, 2))
        made, each = self._stages.run("encode", self._encode, results)
        metrics = self.context.metrics.take()
        return protocol.result(batch.number, made, each, timings=self._stages.seconds, metrics=metrics), made

    def _open(self, batch: Batch, bodies: Buffer) -> list[dict[str, Any]]:
        """Decode the requests of a batch and put them into the context."""
        context, decode = self.context, self._order.decode_input_request
        context.open_batch(batch.ids, lambda: _processors(batch))
        context.stream = lambda parts: self._send_part(batch.number, parts)
        values = protocol.values(batch, bodies, self._arena)
        if len(values) == len(batch.ids) and len(batch.kinds) == 1:
            ((name, kind),) = batch.kinds[0]
            return [{name: value} for value in decode_values(name, kind, values, decode)]
        rest = iter(values)
        kinds = [protocol.kinds(batch, position) for position in range(len(batch.ids))]
        return [{name: decode_value(name, kind, next(rest), decode) for name, kind in each} for each in kinds]

    def _call(self, data: list[dict[str, Any]]) -> Any:
        assert self._entry is not None  # noqa: S101 (the loop loads first)
        result = self._entry(data, self.context)
        if inspect.iscoroutine(result):
            self._events = self._events or asyncio.new_event_loop()
            return self._events.run_until_complete(result)
        return result

    def _send_part(self, number: int, parts: list[Any]) -> None:
        _check(parts, len(self.context.request_processor or ()))
        for row in self.context.request_processor or ():
            row.add_response_property("ts_stream_next", "true")
        made, each = self._encode(parts, last=False)
        self._send(protocol.result(number, made, each, more=True), made)

    def _encode(self, results: list[Any], last: bool = True) -> tuple[list[Buffer], list[Answered]]:
        """The bodies of answers, and what they have beside these; nothing if the handler did not touch it."""
        context = self.context
        made: list[Buffer] = [encode_value(value) for value in results]
        if context.untouched and not context.stopping_criteria:
            return made, []
        rows = context.request_processor or []
        if len(rows) != len(made):
            raise ValueError(f"context.request_processor has {len(rows)} items for {len(made)} answers")
        if last:
            _say_what_follows(rows, results, context.stopping_criteria)
        return made, [_answered(row) for row in rows]

    def _fail(self, number: int | None, error: Exception, answer: tuple[int, str], ids: tuple[str, ...]) -> None:
        order = self._order
        stage, inputs = self._stages.failed or ("import" if number is None else "handle", "")
        told = describe(error, stage, inputs, self._output.text())
        frames = told.frames
        if isinstance(error, (InvalidAnswer, Unserialisable)):
            returned = where_returned(self._entry)
            frames = (returned,) if returned is not None else frames
        failure = Failure(
            told.type,
            told.message,
            stage,
            frames,
            told.traceback,
            told.inputs,
            told.output,
            order.model_name,
            order.model_version,
            order.worker_id,
            ids,
        )
        logger.error("%s of %s failed:\n%s", stage, order.model_name, told.traceback.rstrip())
        self._send(Failed(number, *answer, failure, self.context.metrics.take()), [])

    def _device(self) -> str:
        handler = getattr(self._entry, "__self__", None)
        device = getattr(handler, "device", None)
        if device is not None:
            return str(device)
        return "cpu" if self._order.gpu_id is None else f"cuda:{self._order.gpu_id}"


def _spare_the_collector() -> None:
    """The model stays: looking for garbage need not walk through it with every few hundred objects of a batch."""
    gc.collect()
    gc.freeze()


def _processors(batch: Batch) -> list[RequestProcessor]:
    return [RequestProcessor(_headers(batch, position)) for position in range(len(batch.ids))]


def _headers(batch: Batch, position: int) -> dict[str, Any]:
    """What ``get_all_request_header`` shows: the headers, and each parameter's content type under its name."""
    parameters: dict[str, Any] = {name: {"content-type": kind} for name, kind in protocol.kinds(batch, position)}
    return {**parameters, **protocol.headers(batch, position)}


def _answered(row: RequestProcessor) -> Answered:
    given = row.get_response_headers()
    headers = {str(name): str(text) for name, text in given.items()} if given else {}
    status = int(row.get_response_status_code() or 200)
    return Answered(status, str(row.get_response_status_phrase() or ""), headers)


def _say_what_follows(rows: list[RequestProcessor], results: list[Any], criteria: Any) -> None:
    """The header by which each answer tells whether another follows (spec 1.10, 7.8).

    ``criteria`` are those of continuous batching: given an answer each says whether
    it is the last, or None for one that was no part of a stream.
    """
    for index, row in enumerate(rows):
        if criteria:
            last = criteria[index](results[index])
            if last is not None:
                row.add_response_property("ts_stream_next", "false" if last else "true")
        elif row.get_response_header("ts_stream_next") == "true":
            row.add_response_property("ts_stream_next", "false")


def _check(results: Any, wanted: int) -> None:
    if not isinstance(results, list):
        raise InvalidAnswer(
            f"the handler returned {type(results).__name__}; it must return a list with one item per request",
            "Invalid model predict output",
        )
    if len(results) != wanted:
        raise InvalidAnswer(
            f"the handler returned {len(results)} items for {wanted} requests; it must return one per request",
            "number of batch response mismatched",
        )


def batch_answer(error: Exception) -> tuple[int, str]:
    """Status and message for the clients of a batch that failed (spec 1.4)."""
    if isinstance(error, MemoryError):
        return 507, "Out of resources"
    if isinstance(error, PredictionException):
        return _own_answer(error)
    if isinstance(error, InvalidAnswer):
        return 503, error.answer
    if isinstance(error, Unserialisable):
        return 503, "Unsupported model output data type."
    if "CUDA" in text_of(error):
        return 507, "Out of resources"
    return 503, "Prediction failed"


def _own_answer(error: PredictionException) -> tuple[int, str]:
    """What the handler wants the clients to be told, where its code is a status."""
    try:
        status = int(error.error_code)
    except (TypeError, ValueError, OverflowError):
        status = 0
    return (status if 100 <= status <= 599 else 503), printable(str(error.message))


def _load_answer(error: Exception) -> tuple[int, str]:
    """Status and message for the one who registers a model that does not load (spec 7.1)."""
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "CUDA" in text_of(error)):
        return 507, "System out of memory"
    return 500, "Unknown exception"
