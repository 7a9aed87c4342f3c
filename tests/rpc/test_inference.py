"""Predictions over gRPC, from real stubs to real workers (spec 4.1, 4.4)."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rpc.conftest import DEADLINE, Client, refused

INTERNAL_CLASS = "org.pytorch.serve.http.InternalServerException"


def test_ping_answers_the_health_document(client: Client) -> None:
    from google.protobuf.empty_pb2 import Empty

    assert client.inference.Ping(Empty(), timeout=DEADLINE).health == '{\n  "status": "Healthy"\n}'


def test_the_handler_gets_the_input_as_bytearrays(client: Client) -> None:
    answer = client.predict("orders", b"tell", input={"data": b'{"a": 1}', "other": b"\xff"}, model_version="1.0")
    assert json.loads(answer.prediction) == {"data": ["bytearray", '{"a": 1}'], "other": ["bytearray", "\xff"]}
    assert not answer.HasField("status")
    assert json.loads(client.predict("orders", None).prediction) == {}


def test_an_answer_names_its_request(client: Client) -> None:
    _, call = client.inference.Predictions.with_call(client.asking("orders"), timeout=DEADLINE)
    assert len(dict(call.trailing_metadata())["x-request-id"]) == 36


@pytest.mark.parametrize("method", ["Predictions", "StreamPredictions"])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"model_name": ""}, "Parameter model_name is required.\nBadRequestException.()"),
        ({"model_name": "no"}, "Model not found: no\norg.pytorch.serve.archive.model.ModelNotFoundException"),
        (
            {"model_name": "orders", "model_version": "9"},
            "Model version: 9 does not exist for model: orders\n"
            "org.pytorch.serve.archive.model.ModelVersionNotFoundException",
        ),
    ],
    ids=["no name", "no model", "no version"],
)
def test_what_no_worker_gets_is_internal(client: Client, method: str, fields: dict[str, str], text: str) -> None:
    request = client.protos.inference.PredictionsRequest(**fields)
    assert refused(getattr(client.inference, method), request, timeout=DEADLINE) == ("INTERNAL", text)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (302, "UNKNOWN"),
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (409, "ABORTED"),
        (413, "RESOURCE_EXHAUSTED"),
        (416, "OUT_OF_RANGE"),
        (418, "FAILED_PRECONDITION"),
        (429, "RESOURCE_EXHAUSTED"),
        (499, "CANCELLED"),
        (500, "INTERNAL"),
        (501, "UNIMPLEMENTED"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (507, "INTERNAL"),
        (599, "INTERNAL"),
    ],
)
def test_what_a_handler_raises_becomes_its_code(client: Client, status: int, code: str) -> None:
    assert refused(client.predict, "orders", b"raise %d" % status) == (code, f"as ordered\n{INTERNAL_CLASS}")


def test_an_error_that_says_all_is_well_is_an_answer(client: Client) -> None:
    assert client.predict("orders", b"raise 200").prediction == b"error"


def test_other_errors_of_a_handler_keep_their_text_to_themselves(client: Client) -> None:
    told = ("UNAVAILABLE", f"Prediction failed\n{INTERNAL_CLASS}")
    assert refused(client.predict, "orders", b"fail") == told
    assert refused(client.stream, "orders", b"fail") == told


def test_a_status_that_a_handler_sets_is_not_told(client: Client) -> None:
    assert b"bytearray" in client.predict("orders", b"status 404").prediction


def test_a_stream_comes_in_parts(client: Client) -> None:
    parts = [part.prediction for part in client.stream("orders", b"stream 3")]
    assert parts == [b"part 0 ", b"part 1 ", b"part 2 ", b"last"]


def test_a_whole_answer_is_a_stream_of_one(client: Client) -> None:
    (part,) = client.stream("orders", b"tell")
    assert json.loads(part.prediction) == {"data": ["bytearray", "tell"]}


def test_one_message_holds_all_parts_of_an_answer(client: Client) -> None:
    assert client.predict("orders", b"stream 2").prediction == b"part 0 part 1 last"


def test_a_request_over_the_limit_is_refused_with_the_limit(client: Client) -> None:
    code, text = refused(client.predict, "orders", b"x" * 200_001)
    assert code == "RESOURCE_EXHAUSTED"
    assert "200000" in text


def test_a_deadline_of_the_client_counts(client: Client) -> None:
    request = client.asking("orders", b"sleep 0.5")
    assert refused(client.inference.Predictions, request, timeout=0.1)[0] == "DEADLINE_EXCEEDED"
    assert client.predict("orders", b"tell").prediction


class Sequence:
    """``StreamPredictions2``, a request and its answer at a time."""

    def __init__(self, client: Client) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers = client.inference.StreamPredictions2(self._sent(), timeout=DEADLINE)

    def _sent(self) -> Iterator[Any]:
        while (request := self._requests.get()) is not None:
            yield request

    def send(self, request: Any) -> None:
        self._requests.put(request)

    def ask(self, request: Any) -> Any:
        self.send(request)
        return next(self._answers)

    def end(self) -> list[Any]:
        self._requests.put(None)
        return list(self._answers)


def test_a_sequence_answers_one_request_after_the_other(client: Client) -> None:
    sequence = Sequence(client)
    for _ in range(3):
        answer = sequence.ask(client.asking("orders", b"sequence", sequence_id="s1"))
        assert (answer.sequence_id, answer.prediction) == ("s1", b'{"data": ["bytearray", "sequence"]}')
    assert sequence.end() == []


def test_answers_under_way_are_not_lost_when_the_client_has_said_all(client: Client) -> None:
    sequence = Sequence(client)
    for _ in range(3):
        sequence.send(client.asking("orders", b"tell", sequence_id="s2"))
    assert len(sequence.end()) == 3


def test_an_error_in_a_sequence_is_told_in_its_place(client: Client) -> None:
    from google.rpc.error_details_pb2 import ErrorInfo

    sequence = Sequence(client)
    for request, code, text, reason in [
        (client.asking("no", sequence_id="s"), 13, "Model not found: no", "model.ModelNotFoundException"),
        (client.asking("", sequence_id="s"), 13, "Parameter model_name is required.", "BadRequestException.()"),
        (client.asking("orders"), 13, "Parameter sequenceId is required.", "BadRequestException.()"),
        (client.asking("orders", b"raise 404", sequence_id="s"), 5, "as ordered", INTERNAL_CLASS),
    ]:
        status = sequence.ask(request).status
        info = ErrorInfo()
        assert status.details[0].Unpack(info)
        assert (status.code, status.message) == (code, text)
        assert info.reason.endswith(reason)
    assert sequence.ask(client.asking("orders", b"tell", sequence_id="s")).prediction
    assert sequence.end() == []


def test_the_first_of_a_sequence_needs_no_name(client: Client) -> None:
    sequence = Sequence(client)
    first = client.asking("orders", input={"ts_request_sequence_start": b"true"})
    assert not sequence.ask(first).HasField("status")
    assert sequence.end() == []
