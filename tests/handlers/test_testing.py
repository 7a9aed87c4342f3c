"""The context for unit tests, used as an author of a handler would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from tsnb.handlers.base import BaseHandler
from tsnb.handlers.streaming import send_intermediate_predict_response
from tsnb.handlers.testing import MockContext

MODEL = """
import torch

class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(1, 1, bias=False)
"""


class Handler(BaseHandler):
    def preprocess(self, data: Any) -> Any:
        return torch.tensor([row["body"] for row in data])

    def postprocess(self, data: Any) -> Any:
        send_intermediate_predict_response(["…"] * len(data), self.context.request_ids, "", 200, self.context)
        self.context.set_response_status(201, "Made", len(data) - 1)
        return super().postprocess(data)

    def get_insights(self, prepared: Any, inputs: Any, target: Any) -> Any:
        return [inputs]


def test_a_handler_is_tested_without_a_server(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "settings.yaml").write_text("handler: {profile: true}")
    torch.save({"weight": torch.tensor([[3.0]])}, tmp_path / "net.pth")
    (tmp_path / "index_to_name.json").write_text(json.dumps({"0": "only"}))
    context = MockContext("net.pth", tmp_path, model_yaml_config_file="settings.yaml", requests=2)
    handler = Handler()
    handler.initialize(context)
    assert (handler.mapping, handler.model_yaml_config) == ({"0": "only"}, {"handler": {"profile": True}})
    assert handler.handle([{"body": [1.0]}, {"body": [2.0]}], context) == [[3.0], [6.0]]
    assert context.sent == [["…", "…"]]
    assert [context.get_response_status(index)[0] for index in (0, 1)] == [200, 201]
    assert "ts_handler_inference" in {sample.name for sample in context.metrics.take()}
    context.explain = True
    assert handler.handle([{"body": [1.0]}], context) == [[1.0]]


def test_a_handler_without_files_needs_none() -> None:
    context = MockContext(None, model_file=None)
    assert context.manifest == {"model": {"modelName": "model"}}
    assert context.get_request_header(0, "explain") is None
    assert context.get_request_id() == "request-0"
