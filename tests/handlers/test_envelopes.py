"""What handlers get and clients see under each request envelope. The answers to good requests are TorchServe's."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from worker.conftest import start, write  # noqa: F401 (fixtures)
from worker.peer import HANDLERS, Server, body

from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.envelopes.base import BaseEnvelope
from tsnb.handlers.envelopes.body import BodyEnvelope
from tsnb.handlers.envelopes.json import JSONEnvelope
from tsnb.handlers.envelopes.kserve import KServeEnvelope
from tsnb.handlers.envelopes.kservev2 import KServev2Envelope

HELLO = {"b64": "aGVsbG8="}
Answers = Callable[[Any], Any]


def context(requests: int, explain: str = "False") -> Context:
    made = Context("m", "/", {"model": {"modelName": "m", "modelVersion": "2.0"}}, 1, None, "0")
    made.request_ids = {index: f"r{index}" for index in range(requests)}
    made.request_processor = [RequestProcessor({"explain": explain}) for _ in range(requests)]
    return made


def ask(envelope: type[BaseEnvelope], rows: list[Any], answer: Answers | None = None, **more: Any) -> tuple[Any, Any]:
    """What the handler was given, and what the clients get."""
    given = []

    def handle(data: Any, _: Context) -> Any:
        given.append(data)
        return data if answer is None else answer(data)

    answers = envelope(handle).handle(rows, context(len(rows), **more))
    return given[0], answers


def test_bodies_come_without_their_rows() -> None:
    assert ask(BodyEnvelope, [{"data": 1}, {"body": [2]}]) == ([1, [2]], [1, [2]])


def test_instances_of_all_requests_become_one_batch_and_answers_are_json_text() -> None:
    rows = [{"body": {"instances": [1, [2, 3]]}}, {"data": bytearray(b'{"instances": [4]}')}]
    given, answers = ask(JSONEnvelope, rows)
    assert given == [1, [2, 3], 4]
    assert answers == ['{"predictions": [1, [2, 3]]}', '{"predictions": [4]}']


def test_base64_is_decoded_as_an_item_and_as_a_column() -> None:
    items = [HELLO, {"x": HELLO, "y": [HELLO]}, {**HELLO, "more": 1}]
    given, _ = ask(JSONEnvelope, [{"body": {"instances": items}}], lambda _: ["a", "b", "c"])
    assert given == [b"hello", {"x": b"hello", "y": [HELLO]}, {**HELLO, "more": 1}]


def test_kserve_wraps_predictions_and_explanations() -> None:
    rows = [{"body": {"instances": [{"data": 1}, 2]}}]
    assert ask(KServeEnvelope, rows) == ([{"data": 1}, 2], [{"predictions": [{"data": 1}, 2]}])
    assert ask(KServeEnvelope, rows, explain="True")[1] == [{"explanations": [{"data": 1}, 2]}]
    assert ask(KServeEnvelope, rows, lambda _: ["one for all"])[1] == [{"predictions": ["one for all"]}]


def test_kserve_requests_of_a_batch_are_told_apart() -> None:
    rows = [{"body": {"instances": [1]}}, {"body": {"instances": [2, 3]}}]
    assert ask(KServeEnvelope, rows) == ([1, 2, 3], [{"predictions": [1]}, {"predictions": [2, 3]}])


def tensor(name: str = "x", **facts: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1], "datatype": "INT64", "data": [7]} | facts


def test_tensors_get_their_shape_and_texts_come_alone() -> None:
    inputs = [tensor(shape=[2, 2], data=[1, 2, 3, 4]), tensor("t", shape=[2], datatype="BYTES", data=["ab", "cd"])]
    given, _ = ask(KServev2Envelope, [{"body": {"inputs": inputs}}])
    assert [found["data"] for found in given] == [[[1, 2], [3, 4]], "ab"]
    assert given[1] == {**inputs[1], "data": "ab"}


@pytest.mark.parametrize(
    ("result", "output"),
    [
        ([[1, 2], [3, 4]], {"datatype": "INT64", "data": [1, 2, 3, 4], "shape": [4]}),
        (0.5, {"datatype": "FP64", "data": [0.5], "shape": [1]}),
        (True, {"datatype": "BOOL", "data": [True], "shape": [1]}),
        ("yes", {"datatype": "BYTES", "data": ["yes"], "shape": [1]}),
        (b"yes", {"datatype": "BYTES", "data": ["yes"], "shape": [1]}),
        ({"cat": 0.5}, {"datatype": "BYTES", "data": [{"cat": 0.5}], "shape": [1]}),
    ],
)
def test_results_become_outputs_with_a_type(result: Any, output: dict[str, Any]) -> None:
    _, (answer,) = ask(KServev2Envelope, [{"body": {"id": "mine", "inputs": [tensor()]}}], lambda _: [result])
    assert answer == {"id": "mine", "model_name": "m", "model_version": "2.0", "outputs": [{"name": "x", **output}]}


def test_a_v2_request_without_an_id_is_answered_under_the_servers() -> None:
    rows = [{"body": {"inputs": [tensor("a"), tensor("b")]}}, {"body": {"inputs": [tensor("c")]}}]
    _, answers = ask(KServev2Envelope, rows, lambda tensors: [found["data"] for found in tensors])
    assert [answer["id"] for answer in answers] == ["r0", "r1"]
    assert [[output["name"] for output in answer["outputs"]] for answer in answers] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("envelope", "wrapped", "message"),
    [
        (JSONEnvelope, {"inputs": [1]}, r'must hold \{"instances": \[...\]\}; it holds inputs'),
        (JSONEnvelope, [1], "must be a JSON object, not list"),
        (KServeEnvelope, {"instances": 5}, "must hold"),
        (KServeEnvelope, b"not json", "Expecting value"),
        (KServev2Envelope, {}, "it holds nothing"),
        (KServev2Envelope, {"inputs": [{"name": "x", "data": [1]}]}, "lacks datatype, shape"),
        (KServev2Envelope, {"inputs": [tensor(shape=[3])]}, "cannot reshape"),
    ],
)
def test_a_broken_envelope_says_what_is_wrong(envelope: type[BaseEnvelope], wrapped: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ask(envelope, [{"body": wrapped}])


def test_a_lone_v2_request_may_get_one_result_for_several_tensors() -> None:
    rows = [{"body": {"id": " ", "inputs": [tensor("ids"), tensor("mask")]}}]
    _, (answer,) = ask(KServev2Envelope, rows, lambda _: [[5]])
    assert (answer["id"], [output["name"] for output in answer["outputs"]]) == ("r0", ["ids"])
    with pytest.raises(ValueError, match="returned 1 results for 2 inputs"):
        ask(KServev2Envelope, [{"body": {"inputs": [tensor()]}}] * 2, lambda _: [1])


def test_results_that_do_not_add_up_are_no_answer() -> None:
    with pytest.raises(ValueError, match="returned 2 results for 1 inputs"):
        ask(KServev2Envelope, [{"body": {"inputs": [tensor()]}}], lambda _: [1, 2])


def test_batches_of_an_asynchronous_handler_do_not_mix() -> None:
    async def handle(data: list[int], _: Context) -> list[int]:
        await asyncio.sleep(0)
        return data

    async def both() -> list[Any]:
        envelope = JSONEnvelope(handle)
        rows = ([{"body": {"instances": [1, 2]}}], [{"body": {"instances": [3]}}])
        return await asyncio.gather(*(envelope.handle(row, context(1)) for row in rows))

    assert asyncio.run(both()) == [['{"predictions": [1, 2]}'], ['{"predictions": [3]}']]


def test_a_worker_puts_the_envelope_around_the_handler(start: Callable[[], Server]) -> None:  # noqa: F811
    served = start()
    served.load(HANDLERS, "echo.py", service_envelope="kserve")
    assert json.loads(bytes(served.reply(b'{"instances": [{"data": "a"}]}', "application/json").body)) == {
        "predictions": ["a"]
    }
    failed = served.fails(body(b"{}", "application/json"))
    assert (failed.status, failed.message) == (503, "Prediction failed")
    assert "must hold" in failed.failure.message


MINE = """
from ts.torch_handler.request_envelope.base import BaseEnvelope


class Loud(BaseEnvelope):
    def parse_input(self, data):
        return [{"body": row["body"].upper()} for row in data]

    def format_output(self, data):
        return [f"<{answer}>" for answer in data]
"""


def test_an_envelope_may_be_a_module_of_the_users_own(
    start: Callable[[], Server],  # noqa: F811
    write: Callable[..., Any],  # noqa: F811
) -> None:
    echo = "def handle(data, context):\n    return data and [row['body'] for row in data]\n"
    folder = write(loud=MINE, plain=echo)
    served = start()
    served.load(folder, "plain.py", service_envelope="loud")
    assert bytes(served.reply(b"hello", "text/plain").body) == b"<HELLO>"
    for name, problem in [
        ("nowhere", "service_envelope is 'nowhere', which is none of body"),
        ("plain", "plain defines no class with handle"),
    ]:
        failed = start().load(folder, "plain.py", service_envelope=name)
        assert problem in failed.failure.message


def test_envelopes_need_no_torch() -> None:
    code = "import tsnb.handlers.envelopes.json, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
