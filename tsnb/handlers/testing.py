"""A context for unit tests of handlers, which run without a server.

::

    context = MockContext("weights.pth", model_dir="folder", model_file="model.py")
    handler = MyHandler()
    handler.initialize(context)
    assert handler.handle([{"body": [1.0]}], context) == [[3.0]]
"""

from __future__ import annotations

import os
from typing import Any

import torch

from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.helpers import get_yaml_config


class MockContext(Context):
    """The context of a batch of ``requests`` requests; with ``explain`` set they ask for explanations."""

    def __init__(
        self,
        model_pt_file: str | None = "model.pt",
        model_dir: str | os.PathLike[str] = ".",
        model_file: str | None = "model.py",
        gpu_id: str | int | None = "0",
        model_name: str = "model",
        model_yaml_config_file: str | None = None,
        requests: int = 1,
    ) -> None:
        folder = os.fspath(model_dir)
        entries = {"modelName": model_name, "serializedFile": model_pt_file, "modelFile": model_file}
        manifest = {"model": {name: value for name, value in entries.items() if value}}
        gpu = int(gpu_id) if gpu_id is not None and torch.cuda.is_available() else None
        config = get_yaml_config(os.path.join(folder, model_yaml_config_file)) if model_yaml_config_file else {}
        super().__init__(model_name, folder, manifest, requests, gpu, "test", model_yaml_config=config)
        self.explain = False
        self.request_ids = {index: f"request-{index}" for index in range(requests)}
        self.request_processor = [RequestProcessor({}) for _ in range(requests)]
        self.metrics.set_request_ids(self.request_ids)
        #: What the handler sent with ``send_intermediate_predict_response``.
        self.sent: list[list[Any]] = []
        self.stream = self.sent.append

    def get_request_header(self, idx: int, key: str) -> Any:
        """``"True"`` for ``explain`` where :attr:`explain` is set; else what the test put into the request."""
        return "True" if key == "explain" and self.explain else super().get_request_header(idx, key)
