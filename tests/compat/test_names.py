"""The names that published handlers import, in a process as a worker sets it up."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tsnb.worker.loader import COMPAT

NAMES = {
    "ts.torch_handler.base_handler.BaseHandler": "tsnb.handlers.base",
    "ts.torch_handler.base_handler.IPEX_AVAILABLE": "tsnb.handlers.available",
    "ts.torch_handler.base_handler.ONNX_AVAILABLE": "tsnb.handlers.available",
    "ts.torch_handler.base_handler.PROFILER_AVAILABLE": "tsnb.handlers.available",
    "ts.torch_handler.base_handler.PT2_AVAILABLE": "tsnb.handlers.available",
    "ts.torch_handler.base_handler.PT230_AVAILABLE": "tsnb.handlers.available",
    "ts.torch_handler.base_handler.XLA_AVAILABLE": "tsnb.handlers.available",
    "ts.torch_handler.base_handler.logger": "tsnb.handlers.base",
    "ts.torch_handler.base_handler.setup_ort_session": "tsnb.handlers.loading",
    "ts.torch_handler.base_handler.check_valid_pt2_backend": "tsnb.handlers.compiling",
    "ts.torch_handler.base_handler.list_classes_from_module": "tsnb.handlers.modules",
    "ts.torch_handler.base_handler.load_label_mapping": "tsnb.handlers.labels",
    "ts.torch_handler.base_handler.timed": "tsnb.handlers.timing",
    "ts.torch_handler.vision_handler.VisionHandler": "tsnb.handlers.vision",
    "ts.torch_handler.image_classifier.ImageClassifier": "tsnb.handlers.image_classifier",
    "ts.torch_handler.image_segmenter.ImageSegmenter": "tsnb.handlers.image_segmenter",
    "ts.torch_handler.object_detector.ObjectDetector": "tsnb.handlers.object_detector",
    "ts.torch_handler.text_handler.TextHandler": "tsnb.handlers.text",
    "ts.torch_handler.text_classifier.TextClassifier": "tsnb.handlers.text_classifier",
    "ts.torch_handler.contractions.CONTRACTION_MAP": "tsnb.handlers.contractions",
    "ts.torch_handler.dali_handler.DALIHandler": "tsnb.handlers.dali",
    "ts.torch_handler.dali_image_classifier.DALIImageClassifier": "tsnb.handlers.dali_image_classifier",
    "ts.torch_handler.vllm_handler.VLLMHandler": "tsnb.handlers.vllm_handler",
    "ts.torch_handler.trt_llm_handler.TRTLLMHandler": "tsnb.handlers.trt_llm_handler",
    "ts.torch_handler.distributed.base_deepspeed_handler.BaseDeepSpeedHandler": "tsnb.handlers.deepspeed",
    "ts.torch_handler.request_envelope.base.BaseEnvelope": "tsnb.handlers.envelopes.base",
    "ts.torch_handler.request_envelope.body.BodyEnvelope": "tsnb.handlers.envelopes.body",
    "ts.torch_handler.request_envelope.json.JSONEnvelope": "tsnb.handlers.envelopes.json",
    "ts.torch_handler.request_envelope.kserve.KServeEnvelope": "tsnb.handlers.envelopes.kserve",
    "ts.torch_handler.request_envelope.kservev2.KServev2Envelope": "tsnb.handlers.envelopes.kservev2",
    "ts.torch_handler.densenet_handler.list_classes_from_module": "tsnb.handlers.modules",
    "ts.torch_handler.unit_tests.test_utils.mock_context.MockContext": "tsnb.handlers.testing",
    "ts.context.Context": "tsnb.handlers.context",
    "ts.context.RequestProcessor": "tsnb.handlers.context",
    "ts.service.PredictionException": "tsnb.handlers.errors",
    "ts.service.Service": "tsnb.handlers.service",
    "ts.service.emit_metrics": "tsnb.handlers.metrics_store",
    "ts.model_loader.ModelLoader": "tsnb.handlers.service",
    "ts.model_loader.ModelLoaderFactory": "tsnb.handlers.service",
    "ts.model_loader.TsModelLoader": "tsnb.handlers.service",
    "ts.utils.util.PT2Backend": "tsnb.handlers.compiling",
    "ts.utils.util.PredictionException": "tsnb.handlers.errors",
    "ts.utils.util.check_valid_pt2_backend": "tsnb.handlers.compiling",
    "ts.utils.util.deprecated": "tsnb.handlers.helpers",
    "ts.utils.util.get_yaml_config": "tsnb.handlers.helpers",
    "ts.utils.util.list_classes_from_module": "tsnb.handlers.modules",
    "ts.utils.util.load_label_mapping": "tsnb.handlers.labels",
    "ts.utils.util.map_class_to_label": "tsnb.handlers.labels",
    "ts.handler_utils.distributed.deepspeed.create_checkpoints_json": "tsnb.handlers.deepspeed",
    "ts.handler_utils.distributed.deepspeed.get_ds_engine": "tsnb.handlers.deepspeed",
    "ts.handler_utils.hf_batch_streamer.TextIteratorStreamerBatch": "tsnb.handlers.streamers",
    "ts.handler_utils.micro_batching.MicroBatching": "tsnb.handlers.micro_batching",
    "ts.handler_utils.preprocess.dali.get_dali_pipeline": "tsnb.handlers.dali",
    "ts.handler_utils.text_utils.get_tokenizer": "tsnb.handlers.tokens",
    "ts.handler_utils.text_utils.ngrams_iterator": "tsnb.handlers.tokens",
    "ts.handler_utils.timer.timed": "tsnb.handlers.timing",
    "ts.handler_utils.utils.import_class": "tsnb.handlers.modules",
    "ts.handler_utils.utils.send_intermediate_predict_response": "tsnb.handlers.streaming",
    "ts.protocol.otf_message_handler.send_intermediate_predict_response": "tsnb.handlers.streaming",
    "ts.metrics.caching_metric.CachingMetric": "tsnb.handlers.metrics",
    "ts.metrics.dimension.Dimension": "tsnb.handlers.metrics",
    "ts.metrics.metric_cache_abstract.MetricCacheAbstract": "tsnb.handlers.metrics",
    "ts.metrics.metric.Metric": "tsnb.handlers.metrics_store",
    "ts.metrics.metric_abstract.MetricAbstract": "tsnb.handlers.metrics",
    "ts.metrics.metric_encoder.MetricEncoder": "tsnb.handlers.metrics_store",
    "ts.metrics.metric_cache_errors.MetricsCacheIOError": "tsnb.handlers.metrics_files",
    "ts.metrics.metric_cache_errors.MetricsCacheKeyError": "tsnb.handlers.metrics",
    "ts.metrics.metric_cache_yaml_impl.MetricsCacheYamlImpl": "tsnb.handlers.metrics_files",
    "ts.metrics.metric_type_enum.MetricTypes": "tsnb.handlers.metrics",
    "ts.metrics.metrics_store.MetricsStore": "tsnb.handlers.metrics_store",
    "ts.metrics.unit.Units": "tsnb.handlers.metrics_store",
}
"""The names that handlers in the wild import, and the modules of tsnb that they come from."""

ELSEWHERE = {
    "ts.arg_parser",
    "ts.launcher",
    "ts.llm_launcher",
    "ts.metrics.metric_collector",
    "ts.metrics.process_memory_metric",
    "ts.metrics.system_metrics",
    "ts.utils.hf_utils",
    "ts.utils.timeit_decorator",
    "ts.version",
}
"""Modules that are no part of handlers; each has tests of its own."""

RENAMED = {
    "ts.metrics.caching_metric.CachingMetric": "Metric",
    "ts.metrics.metric.Metric": "OldMetric",
    "ts.metrics.metric_abstract.MetricAbstract": "Metric",
    "ts.metrics.metric_cache_abstract.MetricCacheAbstract": "Metrics",
}
"""The name on tsnb's side, where it is another."""


@pytest.fixture(scope="module", autouse=True)
def path() -> Iterator[None]:
    sys.path.insert(0, COMPAT)
    yield
    sys.path.remove(COMPAT)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_same_object_as_tsnbs(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    assert found is getattr(importlib.import_module(NAMES[name]), RENAMED.get(name, attribute))


def test_every_module_of_ts_is_walked() -> None:
    """So that no name is offered that was never tried."""
    packages = pkgutil.walk_packages([f"{COMPAT}/ts"], "ts.")
    offered = {module.name for module in packages if not module.ispkg}
    assert offered - {name.rpartition(".")[0] for name in NAMES} <= ELSEWHERE


@pytest.mark.parametrize("name", ["ts.model_service_worker", "ts.torch_handler.unheard_of"])
def test_what_is_missing_names_what_there_is(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"tsnb has no {name}.*ts.torch_handler.base_handler"):
        importlib.import_module(name)


@pytest.mark.parametrize(
    "name", ["ts.torch_handler.distributed.base_pippy_handler", "ts.handler_utils.distributed.pt_pippy"]
)
def test_what_is_gone_names_what_to_use_instead(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"PiPPy is no longer developed: use a DeepSpeed or vLLM handler"):
        importlib.import_module(name)


def test_what_makes_no_sense_here_says_what_does() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"tsnb has no ts\.async_service.*asyncCommunication: true"):
        importlib.import_module("ts.async_service")


def test_the_package_itself_is_light() -> None:
    imports = "import ts.context, ts.model_loader; assert 'torch' not in sys.modules"
    code = f"import sys; sys.path.insert(0, {COMPAT!r}); {imports}"
    subprocess.run([sys.executable, "-c", code], check=True)
