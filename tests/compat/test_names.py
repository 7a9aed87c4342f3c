"""The names that published handlers import, in a process as a worker sets it up."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tsnb.worker.loader import COMPAT

NAMES = {
    "ts.torch_handler.base_handler.BaseHandler": "tsnb.handlers.base",
    "ts.torch_handler.vision_handler.VisionHandler": "tsnb.handlers.vision",
    "ts.torch_handler.image_classifier.ImageClassifier": "tsnb.handlers.image_classifier",
    "ts.context.Context": "tsnb.handlers.context",
    "ts.context.RequestProcessor": "tsnb.handlers.context",
    "ts.service.PredictionException": "tsnb.handlers.errors",
    "ts.utils.util.PredictionException": "tsnb.handlers.errors",
    "ts.utils.util.list_classes_from_module": "tsnb.handlers.modules",
    "ts.utils.util.load_label_mapping": "tsnb.handlers.labels",
    "ts.utils.util.map_class_to_label": "tsnb.handlers.labels",
    "ts.handler_utils.utils.send_intermediate_predict_response": "tsnb.handlers.streaming",
    "ts.protocol.otf_message_handler.send_intermediate_predict_response": "tsnb.handlers.streaming",
    "ts.handler_utils.timer.timed": "tsnb.handlers.timing",
    "ts.metrics.dimension.Dimension": "tsnb.handlers.metrics",
    "ts.metrics.metric_type_enum.MetricTypes": "tsnb.handlers.metrics",
}


@pytest.fixture(scope="module", autouse=True)
def path() -> Iterator[None]:
    sys.path.insert(0, COMPAT)
    yield
    sys.path.remove(COMPAT)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_same_object_as_tsnbs(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    assert found is getattr(importlib.import_module(NAMES[name]), attribute)


@pytest.mark.parametrize("name", ["ts.torch_handler.text_classifier", "ts.launcher"])
def test_what_is_missing_names_what_there_is(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"tsnb has no {name}.*ts.torch_handler.base_handler"):
        importlib.import_module(name)


def test_the_package_itself_is_light() -> None:
    code = (
        f"import sys; sys.path.insert(0, {COMPAT!r}); import ts.context, ts.service; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
