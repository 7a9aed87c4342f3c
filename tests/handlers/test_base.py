from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tsnb.handlers.base import BaseHandler
from tsnb.handlers.compiling import compile_options, compiled
from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.loading import load_serialized

ONNX = Path(__file__).parent.parent / "archives" / "onnx"


class Doubles(BaseHandler):
    def preprocess(self, data: Any) -> Any:
        return torch.tensor([row["body"] for row in data])

    def describe_handle(self) -> Any:
        return {"is": "described"}

    def get_insights(self, prepared: Any, inputs: Any, target: Any) -> Any:
        return [{"inputs": inputs, "target": target, "prepared": prepared.tolist()}]


def handler_and_context(header: dict[str, Any], config: dict[str, Any] | None = None) -> tuple[Doubles, Context]:
    handler = Doubles()
    handler.model = lambda x: x * 2
    handler.device = torch.device("cpu")
    context = Context("m", "/", None, 1, None, "0", model_yaml_config=config)
    context.request_ids = {0: "r"}
    context.metrics.set_request_ids(context.request_ids)
    context.request_processor = [RequestProcessor(header)]
    return handler, context


def test_a_context_of_a_test_needs_no_more_than_torchserves_mock_has(tmp_path: Path) -> None:
    class Mock:
        manifest: Any = {"model": {"modelFile": "model.py"}}  # noqa: RUF012
        system_properties: Any = {"model_dir": str(tmp_path)}  # noqa: RUF012
        model_yaml_config: Any = {}  # noqa: RUF012
        metrics = Context("m", "/", None, 1, None, "0").metrics

        def get_request_header(self, idx: int, name: str) -> bool:
            return False

    (tmp_path / "model.py").write_text(
        "import torch\nclass Net(torch.nn.Linear):\n def __init__(self): super().__init__(1, 1)"
    )
    handler = BaseHandler()
    handler.initialize(Mock())  # type: ignore[arg-type]
    assert len(handler.handle([[1.0]], Mock())[0]) == 1  # type: ignore[list-item,arg-type]


@pytest.mark.parametrize(
    ("file", "config"), [("model.pt", {}), ("model.so", {"pt2": {"export": {"aot_compile": True}}})]
)
def test_how_a_file_is_loaded_may_be_overridden(tmp_path: Path, file: str, config: dict[str, Any]) -> None:
    class Own(BaseHandler):
        def _load_torchscript_model(self, model_pt_path: str) -> Any:
            return torch.nn.Identity()

        _load_torch_export_aot_compile = _load_torchscript_model

    manifest = {"model": {"serializedFile": file}}
    handler = Own()
    handler.initialize(Context("m", str(tmp_path), manifest, 1, None, "0", model_yaml_config=config))
    assert isinstance(handler.model, torch.nn.Identity)
    assert handler.model.training == (file == "model.so")


def test_a_batch_goes_through_the_three_stages() -> None:
    handler, context = handler_and_context({"explain": "False"})
    assert handler.handle([{"body": [1.0]}], context) == [[2.0]]
    assert handler.context is context
    assert [sample.name for sample in context.metrics.take()] == ["HandlerTime"]


def test_profiling_reports_each_timed_stage() -> None:
    handler, context = handler_and_context({}, {"handler": {"profile": True}})
    handler.handle([{"body": [1.0]}], context)
    names = [sample.name for sample in context.metrics.take()]
    assert names == ["ts_handler_inference", "ts_handler_postprocess", "HandlerTime"]


def test_an_explanation_gets_the_inputs_and_the_target() -> None:
    handler, context = handler_and_context({"explain": "True"})
    answer = handler.handle([{"body": [1.0], "target": 3}], context)
    assert answer == [{"inputs": [1.0], "target": 3, "prepared": [[1.0]]}]
    assert handler.explain


def test_a_describe_request_is_answered_by_the_handler() -> None:
    handler, context = handler_and_context({"describe": "True"})
    assert handler.handle([{}], context) == [{"is": "described"}]


def test_the_profiler_writes_a_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENABLE_TORCH_PROFILER", "TRUE")
    handler, context = handler_and_context({})
    handler.profiler_args = {"on_trace_ready": lambda prof: prof.export_chrome_trace(str(tmp_path / "trace.json"))}
    assert handler.handle([{"body": [1.0]}], context) == [[2.0]]
    assert (tmp_path / "trace.json").stat().st_size


@pytest.mark.parametrize(
    ("pt2", "options"),
    [
        (None, None),
        ("inductor", {"backend": "inductor"}),
        ("nonsense", None),
        ({"mode": "reduce-overhead"}, {"mode": "reduce-overhead"}),
        ({"compile": {"enable": True, "backend": "eager"}}, {"backend": "eager"}),
        ({"compile": {"enable": False, "backend": "eager"}}, None),
        ({"export": {"aot_compile": True}}, None),
    ],
)
def test_what_model_config_says_about_compiling(pt2: Any, options: dict[str, Any] | None) -> None:
    assert compile_options(pt2) == options


def test_compiling_with_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a backend's name or a mapping"):
        compile_options(5)


def test_a_compiled_model_answers_the_same() -> None:
    model = torch.nn.Linear(2, 2)
    x = torch.rand(1, 2)
    assert torch.equal(compiled(model, {"pt2": "eager"})(x), model(x))
    assert compiled(model, {}) is model


def test_an_onnx_model_runs_like_any_other() -> None:
    """``tests/archives/onnx/linear.onnx`` multiplies two numbers with the matrix 0 1, 2 3, 4 5."""
    handler, context = handler_and_context({})
    handler.model = load_serialized(str(ONNX / "linear.onnx"), torch.device("cpu"), {})
    assert handler.handle([{"body": [1.0, 10.0]}, {"body": [0.0, 1.0]}], context) == [[10, 32, 54], [1, 3, 5]]
