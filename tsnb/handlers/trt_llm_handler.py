"""The default handler ``trt_llm_handler``: a language model as NVIDIA's TensorRT-LLM runs it (spec 6.7).

The model's configuration says where the engine and the tokenizer are, in the
archive or elsewhere; ``trt_llm_engine_config`` are arguments of
``tensorrt_llm.LLM``::

    handler:
      engine_dir: engines/llama
      tokenizer_dir: tokenizer
      kv_cache_config: {free_gpu_memory_fraction: 0.8}
    asyncCommunication: true

A request is ``{"prompt": text, "streaming": bool, …}``; the rest of it are
arguments of ``tensorrt_llm.SamplingParams``.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from tsnb.handlers.base import BaseHandler
from tsnb.handlers.context import Context
from tsnb.handlers.needs import needed
from tsnb.handlers.streaming import send_intermediate_predict_response


class TRTLLMHandler(BaseHandler):
    """Answers with the text that follows a prompt, or streams ``{"text": piece}``."""

    def __init__(self) -> None:
        super().__init__()
        self.tokenizer: Any = None
        self.trt_llm_engine: Any = None
        self._library: Any = None

    def initialize(self, context: Context) -> None:
        """Load engine and tokenizer. Raises RuntimeError without tensorrt_llm and transformers."""
        self._library = needed("tensorrt_llm", "tensorrt-llm", "trt_llm_handler")
        cache = needed("tensorrt_llm.llmapi", "tensorrt-llm", "trt_llm_handler").KvCacheConfig
        transformers = needed("transformers", "transformers", "trt_llm_handler")
        settings = context.model_yaml_config.get("handler") or {}
        engine, tokenizer = (_folder(settings, name, context) for name in ("engine_dir", "tokenizer_dir"))
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(
            tokenizer, padding_side="left", truncation_side="left", trust_remote_code=True
        )
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token_id = self.tokenizer.eos_token_id
        options = {"kv_cache_config": cache(**settings.get("kv_cache_config", {}))}
        options |= settings.get("trt_llm_engine_config", {})
        self.trt_llm_engine = self._library.LLM(model=engine, tokenizer=self.tokenizer, **options)
        self.initialized = True

    async def handle(self, data: list[dict[str, Any]], context: Context) -> list[Any]:  # type: ignore[override]
        """Answer one request."""
        start = time.time()
        if len(data) != 1:
            raise ValueError(f"trt_llm_handler got {len(data)} requests at once: set batchSize to 1")
        output = [await self._answer(_request(data[0]), context)]
        context.metrics.add_time("HandlerTime", round((time.time() - start) * 1000, 2), None, "ms")
        return output

    async def _answer(self, request: dict[str, Any], context: Context) -> str:
        prompt, streaming = request.pop("prompt"), request.pop("streaming", False)
        ends = {"end_id": self.tokenizer.eos_token_id, "pad_id": self.tokenizer.pad_token_id}
        sampling = self._library.SamplingParams(**ends | request)
        written = ""
        async for output in self.trt_llm_engine.generate_async(prompt, streaming=streaming, sampling_params=sampling):
            text: str = output.outputs[0].text
            if streaming:
                part = json.dumps({"text": text[len(written) :]})
                send_intermediate_predict_response([part], context.request_ids, "", 200, context)
            written = text
        return "" if streaming else written


def _folder(settings: dict[str, Any], name: str, context: Context) -> str:
    """A folder that the configuration names; in the archive if it is there."""
    if not settings.get(name):
        raise ValueError(f"model-config.yaml must name the {name} of trt_llm_handler, under handler")
    inside = os.path.join(context.system_properties["model_dir"], settings[name])
    return inside if os.path.exists(inside) else str(settings[name])


def _request(row: dict[str, Any]) -> dict[str, Any]:
    body = row.get("data") or row.get("body")
    if isinstance(body, (bytes, bytearray, str)):
        body = json.loads(body)
    if not isinstance(body, dict) or not isinstance(body.get("prompt"), str):
        raise ValueError('a request is a JSON object with a text under "prompt"')
    return dict(body)
