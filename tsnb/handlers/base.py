"""The handler that most handlers derive from (spec 6.3): load a model, then preprocess, inference, postprocess."""

from __future__ import annotations

import abc
import logging
import os
import tempfile
import time
from typing import Any

import torch

from tsnb.handlers import compiling, devices, loading
from tsnb.handlers.context import Context
from tsnb.handlers.labels import load_label_mapping
from tsnb.handlers.timing import timed

logger = logging.getLogger(__name__)


class BaseHandler(abc.ABC):  # noqa: B024 (TorchServe's is one too, and handlers test for it)
    """Loads an eager model or TorchScript; runs preprocess → inference → postprocess for a batch.

    Subclasses override any of the three, or ``initialize`` and ``handle``.
    """

    _load_notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.model: Any = None
        self.mapping: dict[str, str] | None = None
        self.device: Any = None
        self.initialized = False
        self.context: Any = None
        self.model_pt_path: str | None = None
        self.manifest: Any = None
        self.map_location: str | None = None
        self.explain = False
        self.target: Any = 0
        self.profiler_args: dict[str, Any] = {}
        self.model_yaml_config: dict[str, Any] = {}

    def initialize(self, context: Context) -> None:
        """Load the model that the manifest names onto the device of this worker.

        Raises RuntimeError where nothing can be loaded, ValueError where the
        model file does not define exactly one class.
        """
        self.model_yaml_config = context.model_yaml_config
        properties = context.system_properties
        self.map_location, self.device = devices.choose(properties.get("gpu_id"))
        self.manifest = context.manifest or {}
        model_dir = properties["model_dir"]
        entries = self.manifest.get("model", {})
        serialized = entries.get("serializedFile")
        self.model_pt_path = os.path.join(model_dir, serialized) if serialized else None
        self.model = self._load(context, model_dir, entries.get("modelFile", ""))
        self.model = compiling.compiled(self.model, self.model_yaml_config)
        self.mapping = load_label_mapping(os.path.join(model_dir, "index_to_name.json"))
        self.initialized = True

    def _load(self, context: Context, model_dir: str, model_file: str) -> Any:
        if not model_file:
            return self._load_serialized(self.model_pt_path)
        model = self._load_pickled_model(model_dir, model_file, self.model_pt_path)
        getattr(context, "notes", []).extend(self._load_notes)  # contexts that tests of handlers make have none
        model.to(self.device)
        model.eval()
        return model

    def _load_serialized(self, path: str | None) -> Any:
        """The model in a file of its own; what a subclass overrides of the two methods below counts."""
        suffix = os.path.splitext(path or "")[1]
        if path and suffix == ".pt":
            model = self._load_torchscript_model(path)
            model.eval()
            return model
        if path and suffix == ".so" and self._use_torch_export_aot_compile():
            return self._load_torch_export_aot_compile(path)
        return loading.load_serialized(path, self.device, self.model_yaml_config)

    def _use_torch_export_aot_compile(self) -> bool:
        return loading.is_aot(self.model_yaml_config)

    def _load_torch_export_aot_compile(self, model_so_path: str) -> Any:
        """What ``torch._export.aot_compile`` made, on this handler's device (overridden or called by some handlers)."""
        return loading.load_shared_object(model_so_path, self.device)

    def _load_torchscript_model(self, model_pt_path: str) -> Any:
        """A TorchScript module on this handler's device (overridden or called by some handlers)."""
        return loading.load_torchscript(model_pt_path, self.device)

    def _load_pickled_model(self, model_dir: str, model_file: str, model_pt_path: str | None) -> torch.nn.Module:
        """The eager model of an archive, with its weights (overridden or called by some handlers)."""
        model, self._load_notes = loading.load_eager(model_dir, model_file, model_pt_path, self.device)
        return model

    @timed
    def preprocess(self, data: Any) -> Any:
        """Requests to a tensor on the device; the default takes rows of numbers only."""
        return torch.as_tensor(data, device=self.device)

    @timed
    def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the model on a tensor, without gradients."""
        with torch.inference_mode():
            if not callable(self.model):
                return loading.run_onnx(self.model, data)
            return self.model(data.to(self.device), *args, **kwargs)

    @timed
    def postprocess(self, data: Any) -> list[Any]:
        """The model's output to a list with one item per request."""
        found: list[Any] = data.tolist()
        return found

    def handle(self, data: list[dict[str, Any]], context: Context) -> list[Any]:
        """Answer a batch: one item per request."""
        start = time.time()
        self.context = context
        if os.environ.get("ENABLE_TORCH_PROFILER"):
            self.manifest = self.manifest or context.manifest
            output, _ = self._infer_with_profiler(data)
        elif self._is_describe():
            output = [self.describe_handle()]
        else:
            output = self._run(data)
        context.metrics.add_time("HandlerTime", round((time.time() - start) * 1000, 2), None, "ms")
        return output

    def _run(self, data: list[dict[str, Any]]) -> list[Any]:
        prepared = self.preprocess(data)
        if self._is_explain():
            explained: list[Any] = self.explain_handle(prepared, data)
            return explained
        return self.postprocess(self.inference(prepared))

    def _infer_with_profiler(self, data: list[dict[str, Any]]) -> tuple[list[Any], Any]:
        """Answer a batch under ``torch.profiler``; a trace per run goes to the temporary folder."""
        from torch.profiler import ProfilerActivity, profile, tensorboard_trace_handler

        if not self.profiler_args:
            self.profiler_args = {"activities": [ProfilerActivity.CPU, ProfilerActivity.CUDA], "record_shapes": True}
        if "on_trace_ready" not in self.profiler_args:
            name = (self.manifest or {}).get("model", {}).get("modelName", "")
            folder = os.path.join(tempfile.gettempdir(), "pytorch_profiler", name)
            self.profiler_args["on_trace_ready"] = tensorboard_trace_handler(folder)
            logger.info("traces go to %s", folder)
        with profile(**self.profiler_args) as prof:
            output = self._run(data)
        logger.info("%s", prof.key_averages().table(sort_by="cpu_time_total", row_limit=10))
        return output, prof

    def explain_handle(self, data_preprocess: Any, raw_data: list[Any]) -> Any:
        """Answer an explanation request through ``get_insights(prepared, inputs, target)`` of a subclass."""
        row = raw_data[0]
        inputs, target = None, 0
        if isinstance(row, dict):
            inputs = row.get("data") or row.get("body")
            target = row.get("target") or 0
        return self.get_insights(data_preprocess, inputs, target)  # type: ignore[attr-defined]

    def _is_explain(self) -> bool:
        if self.context and self.context.get_request_header(0, "explain") == "True":
            self.explain = True
            return True
        return False

    def _is_describe(self) -> bool:
        return bool(self.context and self.context.get_request_header(0, "describe") == "True")

    def describe_handle(self) -> Any:
        """What a customised describe shows; nothing unless a subclass says more."""
        return None

    def get_device(self) -> Any:
        """The device the model runs on."""
        return self.device
