"""Micro-batching: pieces of a batch that overlap, in order, with errors that arrive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from worker.conftest import start, write  # noqa: F401 (fixtures)
from worker.peer import Server, body

from tsnb.handlers.base import BaseHandler
from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.micro_batching import MicroBatching

DEADLINE = 60


class Steps(BaseHandler):
    """Adds one digit per stage, and keeps what each stage was given."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.handle = MicroBatching(self, **settings)  # type: ignore[method-assign,assignment]
        self.seen: dict[str, list[Any]] = {"preprocess": [], "inference": [], "postprocess": []}

    def step(self, stage: str, rows: list[Any]) -> list[Any]:
        self.seen[stage].append((self.handle.get_micro_batch_idx(), rows))  # type: ignore[attr-defined]
        return [row * 10 + 1 for row in rows]

    def preprocess(self, data: Any) -> Any:
        return self.step("preprocess", data)

    def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return self.step("inference", data)

    def postprocess(self, data: Any) -> Any:
        return self.step("postprocess", data)

    def describe_handle(self) -> Any:
        return "described"

    def explain_handle(self, data_preprocess: Any, raw_data: list[Any]) -> Any:
        return [data_preprocess, raw_data]


def context(**headers: str) -> Context:
    made = Context("m", "/", None, 8, None, "0")
    made.request_ids = {0: "r"}
    made.metrics.set_request_ids(made.request_ids)
    made.request_processor = [RequestProcessor(headers)]
    return made


def answered(handler: Any, data: list[Any], **headers: str) -> Any:
    return handler.handle(data, context(**headers))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_answers_keep_the_order_of_the_batch(size: int) -> None:
    handler = Steps(micro_batch_size=size, parallelism={"preprocess": 3, "inference": 2, "postprocess": 2})
    assert answered(handler, list(range(7))) == [n * 1000 + 111 for n in range(7)]
    pieces = sorted(handler.seen["preprocess"])
    assert pieces == [(index, list(range(7))[first : first + size]) for index, first in enumerate(range(0, 7, size))]


def test_stages_overlap() -> None:
    """Each stage waits for a piece in the next one: in a row, one after the other, it would never end."""
    meeting = threading.Barrier(2)

    class Meets(Steps):
        def preprocess(self, data: Any) -> Any:
            if self.handle.get_micro_batch_idx() == 1:  # type: ignore[attr-defined]
                meeting.wait(DEADLINE)
            return super().preprocess(data)

        def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
            if self.handle.get_micro_batch_idx() == 0:  # type: ignore[attr-defined]
                meeting.wait(DEADLINE)
            return super().inference(data)

    assert answered(Meets(), [1, 2]) == [1111, 2111]


def test_a_stage_has_as_many_threads_as_it_was_given_also_later() -> None:
    meeting = threading.Barrier(3)

    class Meets(Steps):
        def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
            meeting.wait(DEADLINE)
            return super().inference(data)

    handler = Meets()
    handler.handle.parallelism = {"inference": 3}  # type: ignore[attr-defined]
    handler.handle.parallelism = {"preprocess": 2}  # type: ignore[attr-defined]
    assert handler.handle.parallelism == {"preprocess": 2, "inference": 3, "postprocess": 1}  # type: ignore[attr-defined]
    assert answered(handler, [1, 2, 3]) == [1111, 2111, 3111]


@pytest.mark.parametrize("stage", ["preprocess", "inference", "postprocess"])
def test_an_error_of_any_stage_is_raised_and_the_next_batch_is_answered(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Steps(parallelism={stage: 2})

    def fails(data: Any) -> Any:
        raise ZeroDivisionError(f"in {stage}")

    with monkeypatch.context() as patch:
        patch.setattr(handler, stage, fails)
        with pytest.raises(ZeroDivisionError, match=f"in {stage}"):
            answered(handler, [1, 2, 3, 4])
    assert answered(handler, [1, 2, 3, 4]) == [1111, 2111, 3111, 4111]


def test_describing_and_explaining_take_the_whole_batch() -> None:
    class Explains(Steps):
        def preprocess(self, data: Any) -> Any:
            return ["prepared", *data]

    assert answered(Steps(), [1], describe="True") == ["described"]
    assert answered(Explains(), [1, 2], explain="True") == [["prepared", 1, 2], [1, 2]]


def test_under_the_profiler_the_batch_stays_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    class Profiled(Steps):
        def step(self, stage: str, rows: list[Any]) -> list[Any]:
            return [(stage, len(rows))] * len(rows)

    monkeypatch.setenv("ENABLE_TORCH_PROFILER", "1")
    handler = Profiled()
    traces: list[Any] = []
    handler.profiler_args = {"on_trace_ready": traces.append}
    assert answered(handler, [1, 2]) == [("postprocess", 2)] * 2
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [({"training": 1}, "not 'training'"), ({"inference": 0}, "inference is 0"), ({"inference": "2"}, "is '2'")],
)
def test_nonsense_is_refused(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Steps(parallelism=wanted)


def test_pieces_have_rows_and_an_index_belongs_to_a_stage() -> None:
    handler = Steps(micro_batch_size=0)
    with pytest.raises(ValueError, match="micro_batch_size is 0"):
        answered(handler, [1])
    assert handler.handle.get_micro_batch_idx() is None  # type: ignore[attr-defined]


def test_threads_end_when_told() -> None:
    handler = Steps()
    before = set(threading.enumerate())
    answered(handler, [1])
    threads = set(threading.enumerate()) - before
    assert len(threads) == 3
    handler.handle.shutdown()  # type: ignore[attr-defined]
    assert not any(thread.is_alive() for thread in threads)


SERVED = """
from ts.handler_utils.micro_batching import MicroBatching
from ts.torch_handler.base_handler import BaseHandler
import torch

class Handler(BaseHandler):
    def __init__(self):
        super().__init__()
        self.handle = MicroBatching(self)

    def initialize(self, context):
        settings = context.model_yaml_config["micro_batching"]
        self.handle.parallelism = settings["parallelism"]
        self.handle.micro_batch_size = settings["micro_batch_size"]
        self.model, self.device = (lambda x: x * 2), torch.device("cpu")

    def preprocess(self, data):
        return torch.tensor([row["body"] for row in data])
"""


def test_a_worker_serves_a_handler_whose_handle_is_micro_batching(
    start: Callable[[], Server],  # noqa: F811
    write: Callable[..., Any],  # noqa: F811
) -> None:
    settings = {"micro_batching": {"micro_batch_size": 2, "parallelism": {"preprocess": 2}}}
    server = start()
    server.load(write(pieces=SERVED), "pieces.py", model_config=settings)
    rows = [body(str(number).encode(), "application/json", f"r{number}") for number in range(5)]
    answered = server.ask(*rows)
    assert isinstance(answered, tuple)
    assert [bytes(reply.body) for reply in answered[1]] == [b"0", b"2", b"4", b"6", b"8"]
    assert answered[0].timings["preprocess"] > 0
    failed = server.fails(body(b"text", "text/plain"))
    assert (failed.failure.stage, failed.failure.frames[-1].function) == ("preprocess", "preprocess")


def test_the_base_handlers_stages_work_in_threads() -> None:
    class Plain(BaseHandler):
        def __init__(self) -> None:
            super().__init__()
            self.handle = MicroBatching(self, 2)  # type: ignore[method-assign,assignment]

    handler = Plain()
    handler.model, handler.device = torch.nn.Linear(1, 1, bias=False), torch.device("cpu")
    torch.nn.init.constant_(handler.model.weight, 3)
    assert handler.handle([[1.0], [2.0], [3.0]], context()) == [[3.0], [6.0], [9.0]]  # type: ignore[list-item]
