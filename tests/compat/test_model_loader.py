"""Handlers that are tested with TorchServe's model loader, without a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tsnb.worker.loader import COMPAT

CLASS = """\
class Adder:
    def initialize(self, context):
        self.plus = context.model_yaml_config["handler"]["plus"]
        self.seen = context.system_properties

    def handle(self, data, context):
        context.metrics.add_counter("Asked", len(data))
        return [{"sum": row["body"] + self.plus} for row in data]
"""
FUNCTION = """\
made = []

def infer(data, context):
    if data is None:
        made.append(context.model_name)
        return None
    return [made[0] for _ in data]
"""


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(COMPAT)
    yield
    for name in ("adder", "functions"):
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "MAR-INF").mkdir()
    manifest = {"model": {"modelName": "m", "handler": "adder.py", "configFile": "model-config.yaml"}}
    (tmp_path / "MAR-INF" / "MANIFEST.json").write_text(json.dumps(manifest))
    (tmp_path / "model-config.yaml").write_text("handler: {plus: 2}\n")
    (tmp_path / "adder.py").write_text(CLASS)
    (tmp_path / "functions.py").write_text(FUNCTION)
    return tmp_path


def test_a_class_is_made_and_initialised(folder: Path) -> None:
    from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
    from ts.model_loader import ModelLoaderFactory

    (folder / "metrics.yaml").write_text("dimensions: []\n")
    metrics = MetricsCacheYamlImpl(str(folder / "metrics.yaml"))
    loader = ModelLoaderFactory.get_model_loader()
    service = loader.load("m", str(folder), "adder.py", gpu_id=None, batch_size=4, metrics_cache=metrics)
    assert service._entry_point([{"body": 1}, {"body": 5}], service.context) == [{"sum": 3}, {"sum": 7}]
    assert service.context.metrics is metrics
    assert service.context.manifest["model"]["handler"] == "adder.py"
    known = service._entry_point.__self__.seen
    assert (known["model_dir"], known["batch_size"], known["gpu_id"]) == (str(folder), 4, None)
    assert service.context.get_request_id() is None


def test_a_function_is_called_once_with_nothing(folder: Path) -> None:
    from ts.model_loader import TsModelLoader

    service = TsModelLoader().load("mine", str(folder), "functions:infer")
    assert service._entry_point.__name__ == "infer"
    assert service._entry_point([{}, {}], service.context) == ["mine", "mine"]


def test_an_envelope_is_put_around(folder: Path) -> None:
    from ts.context import RequestProcessor
    from ts.model_loader import TsModelLoader

    service = TsModelLoader().load("m", str(folder), "adder", envelope="json")
    context = service.context
    context.request_ids, context.request_processor = {0: "a"}, [RequestProcessor({})]
    (said,) = service._entry_point([{"body": {"instances": [{"body": 1}, {"body": 2}]}}], context)
    assert json.loads(said) == {"predictions": [{"sum": 3}, {"sum": 4}]}


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    from ts.model_loader import TsModelLoader

    (tmp_path / "functions.py").write_text(FUNCTION)
    assert TsModelLoader().load("m", str(tmp_path), "functions.py:infer").context.manifest is None


@pytest.mark.parametrize(
    ("handler", "error"),
    [("functions:wrong", ValueError), ("functions", ValueError), ("no_such_module", ImportError), (None, ValueError)],
)
def test_what_cannot_be_loaded(folder: Path, handler: str | None, error: type[Exception]) -> None:
    from ts.model_loader import TsModelLoader

    with pytest.raises(error):
        TsModelLoader().load("m", str(folder), handler)


def test_a_loader_of_ones_own_says_how_it_loads() -> None:
    from ts.model_loader import ModelLoader

    class Mine(ModelLoader):
        pass

    with pytest.raises(NotImplementedError, match="Mine"):
        Mine().load("m", ".")


def test_requests_as_a_worker_receives_them() -> None:
    from ts.service import Service

    row = {
        "requestId": b"r1",
        "headers": [{"name": b"X-Who", "value": b"me"}],
        "parameters": [{"name": "body", "value": b"1", "contentType": "text/plain"}],
    }
    headers, data, ids = Service.retrieve_data_for_inference([row])
    assert (data, ids) == ([{"body": b"1"}], {0: "r1"})
    assert headers[0].get_request_properties() == {"body": {"content-type": "text/plain"}, "X-Who": "me"}
    with pytest.raises(ValueError, match="Received invalid inputs"):
        Service.retrieve_data_for_inference(None)


def test_an_onnx_session_from_the_base_handler(tmp_path: Path) -> None:
    from ts.torch_handler.base_handler import ONNX_AVAILABLE, setup_ort_session

    if not ONNX_AVAILABLE:
        pytest.skip("onnxruntime is not installed")
    with pytest.raises(Exception, match=r"none\.onnx"):
        setup_ort_session(str(tmp_path / "none.onnx"), "cpu")
