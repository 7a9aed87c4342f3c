"""Handlers of language models: requests in, texts and streams out. The libraries behind them are stand-ins."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from threading import Thread
from typing import Any

import pytest
import torch
from support.command import Server

from tsnb.archive.write import archive
from tsnb.handlers import DEFAULT_HANDLERS
from tsnb.handlers.base import BaseHandler
from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.deepspeed import create_checkpoints_json, get_ds_engine
from tsnb.handlers.errors import PredictionException
from tsnb.handlers.streamers import TextIteratorStreamerBatch
from tsnb.handlers.trt_llm_handler import TRTLLMHandler
from tsnb.handlers.vllm_handler import VLLMHandler

STAND_INS = Path(__file__).parent / "stand_ins"
NAMES = ("vllm", "tensorrt_llm", "transformers")


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(STAND_INS)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in NAMES]:
        del sys.modules[name]


class Asked(Context):
    """A context of one request, which keeps the parts that were sent."""

    def __init__(self, model_dir: Path, config: dict[str, Any], url_path: str = "") -> None:
        super().__init__("m", str(model_dir), None, 1, None, "0", model_yaml_config=config)
        self.request_ids = {0: "r"}
        self.request_processor = [RequestProcessor({"url_path": url_path})]
        self.metrics.set_request_ids(self.request_ids)
        self.parts: list[Any] = []
        self.stream = lambda parts: self.parts.extend(parts)


def loaded(handler: BaseHandler, model_dir: Path, config: dict[str, Any]) -> Any:
    handler.initialize(Asked(model_dir, config))
    assert handler.initialized
    return handler


def ask(handler: Any, context: Asked, body: Any) -> Any:
    (answer,) = asyncio.run(handler.handle([{"body": body}], context))
    return answer


def vllm(tmp_path: Path, **settings: Any) -> Any:
    config = {"vllm_engine_config": {"max_model_len": 99, "served_model_name": "tiny"}} | settings
    return loaded(VLLMHandler(), tmp_path, {"handler": config})


@pytest.mark.usefixtures("libraries")
def test_vllm_answers_under_openais_paths(tmp_path: Path) -> None:
    handler = vllm(tmp_path)
    context = Asked(tmp_path, {}, "v1/models")
    assert json.loads(ask(handler, context, b"")) == {"data": [{"id": "tiny", "max_model_len": 99}]}
    context = Asked(tmp_path, {}, "v1/completions")
    assert json.loads(ask(handler, context, {"model": "tiny", "prompt": "so it is"})) == {
        "choices": [{"text": "SO IT IS"}]
    }
    assert (context.get_response_content_type(0), context.get_response_status(0)[0]) == ("application/json", 200)


@pytest.mark.usefixtures("libraries")
def test_vllm_streams_events_as_they_come(tmp_path: Path) -> None:
    context = Asked(tmp_path, {}, "v1/completions")
    request = json.dumps({"model": "tiny", "prompt": "so it is", "stream": True}).encode()
    assert ask(vllm(tmp_path), context, bytearray(request)) == b"data: [DONE]\n\n"
    assert context.parts == [b"data: SO\n\n", b"data: IT\n\n", b"data: IS\n\n"]
    assert context.get_response_content_type(0).startswith("text/event-stream")


@pytest.mark.usefixtures("libraries")
def test_vllms_own_errors_reach_the_client_and_unknown_paths_are_404(tmp_path: Path) -> None:
    handler = vllm(tmp_path)
    context = Asked(tmp_path, {}, "v1/completions")
    assert json.loads(ask(handler, context, {"model": "huge", "prompt": ""})) == {"error": "no such model"}
    assert context.get_response_status(0)[0] == 404
    with pytest.raises(PredictionException, match="Unknown API endpoint: v2/nothing : 404"):
        ask(handler, Asked(tmp_path, {}, "v2/nothing"), {})
    with pytest.raises(ValueError, match="set batchSize to 1"):
        asyncio.run(handler.handle([{}, {}], context))


@pytest.mark.usefixtures("libraries")
def test_newer_versions_of_vllm_prepare_their_application_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vllm.entrypoints.openai import api_server

    async def init_app_state(engine_client: Any, state: Any, args: Any, supported_tasks: Any = None) -> None:
        state.engine, state.names, state.config = engine_client, ["new"], {}

    monkeypatch.setattr(api_server, "init_app_state", init_app_state)
    assert json.loads(ask(vllm(tmp_path), Asked(tmp_path, {}, "/v1/models"), b"")) == {"data": [{"id": "new"}]}


@pytest.mark.usefixtures("libraries")
def test_a_request_that_is_given_up_is_taken_from_the_engine(tmp_path: Path) -> None:
    from vllm.entrypoints.openai.api_server import ABORTED

    handler = vllm(tmp_path)
    request = {"model": "tiny", "prompt": "", "forever": True}

    async def give_up() -> None:
        work = handler.handle([{"body": request}], Asked(tmp_path, {}, "v1/completions"))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(work, 0.1)
        while request not in ABORTED:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(give_up(), 60))


@pytest.mark.usefixtures("libraries")
def test_vllms_settings_come_from_the_archive(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "talk.jinja").write_text("")
    handler = vllm(
        tmp_path,
        model_path="weights",
        chat_template="talk.jinja",
        adapters={"sql": "weights", "far": "somebody/adapter"},
        vllm_engine_config={"max_model_len": 7},
    )
    arguments = handler.app.state.engine.args
    assert (arguments.model, arguments.max_model_len) == (str(tmp_path / "weights"), 7)
    assert arguments.chat_template == str(tmp_path / "talk.jinja")
    assert arguments.enable_lora
    assert arguments.lora_modules == [f"sql={tmp_path / 'weights'}", "far=somebody/adapter"]
    with pytest.raises(ValueError, match="has 'max_modle_len', which this version of vLLM does not know"):
        vllm(tmp_path, vllm_engine_config={"max_modle_len": 7})


def tensorrt(tmp_path: Path) -> Any:
    settings = {"engine_dir": "engine", "tokenizer_dir": "tokens", "kv_cache_config": {"enable_block_reuse": True}}
    return loaded(TRTLLMHandler(), tmp_path, {"handler": settings})


@pytest.mark.usefixtures("libraries")
def test_tensorrt_llm_answers_and_streams(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    handler = tensorrt(tmp_path)
    assert handler.trt_llm_engine.settings == (str(tmp_path / "engine"), "tokens", {"enable_block_reuse": True})
    context = Asked(tmp_path, {})
    assert ask(handler, context, {"prompt": "so it is", "max_tokens": 2}) == "SO IT"
    assert ask(handler, context, bytearray(b'{"prompt": "so it is", "streaming": true}')) == ""
    assert [json.loads(part)["text"] for part in context.parts] == ["SO", " IT", " IS"]
    for broken in ({"text": "x"}, b"[1]"):
        with pytest.raises(ValueError, match='a text under "prompt"'):
            ask(handler, context, broken)


@pytest.mark.usefixtures("libraries")
def test_tensorrt_llm_needs_to_know_where_the_engine_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must name the engine_dir of trt_llm_handler"):
        loaded(TRTLLMHandler(), tmp_path, {})


@pytest.mark.parametrize(("handler", "package"), [("vllm_handler", "vllm"), ("trt_llm_handler", "tensorrt-llm")])
def test_a_handler_says_which_package_it_needs(handler: str, package: str, tmp_path: Path) -> None:
    import importlib

    from tsnb.handlers.finding import handler_class

    cls = handler_class(importlib.import_module(DEFAULT_HANDLERS[handler]))
    with pytest.raises(RuntimeError, match=f"{handler} needs the package {package}.*pip install {package}"):
        cls().initialize(Asked(tmp_path, {}))


def test_deepspeed_and_dali_say_what_they_need(tmp_path: Path) -> None:
    from tsnb.handlers.dali import get_dali_pipeline

    with pytest.raises(ValueError, match="no section deepspeed in its"):
        get_ds_engine(None, Asked(tmp_path, {}))
    with pytest.raises(RuntimeError, match="needs the package deepspeed"):
        get_ds_engine(None, Asked(tmp_path, {"deepspeed": {"config": "ds.json"}}))
    with pytest.raises(ValueError, match="no section dali"):
        get_dali_pipeline(Asked(tmp_path, {}))
    with pytest.raises(RuntimeError, match="needs the package nvidia-dali"):
        get_dali_pipeline(Asked(tmp_path, {"dali": {}}))


def test_deepspeeds_list_of_weights(tmp_path: Path) -> None:
    for name in ("b.bin", "a.pt", "notes.txt"):
        (tmp_path / name).write_text("")
    create_checkpoints_json(str(tmp_path), str(tmp_path / "list.json"))
    listed = json.loads((tmp_path / "list.json").read_text())
    assert listed == {
        "type": "ds_model",
        "checkpoints": [str(tmp_path / "a.pt"), str(tmp_path / "b.bin")],
        "version": 1.0,
    }


class Letters:
    """A tokenizer whose tokens are bytes."""

    def decode(self, tokens: list[int], **options: Any) -> str:
        assert options == {"skip_special_tokens": True}
        return bytes(tokens).decode(errors="replace")


def test_a_batch_of_texts_is_streamed_word_by_word() -> None:
    streamer = TextIteratorStreamerBatch(Letters(), 2, skip_prompt=True, timeout=60, skip_special_tokens=True)
    texts = [b"eins zwei\ndrei", "für ön nü vier".encode()[:14]]

    def generate() -> None:
        streamer.put(torch.tensor([[1, 2, 3], [1, 2, 3]]))
        for tokens in zip(*texts, strict=True):
            streamer.put(torch.tensor(tokens))
        streamer.end()

    Thread(target=generate).start()
    pieces = list(streamer)
    assert [[piece for piece in row if piece] for row in zip(*pieces, strict=True)] == [
        ["eins ", "zwei\n", "drei"],
        ["für ", "ön ", "nü ", "v"],
    ]


def test_a_streamer_without_news_gives_up() -> None:
    with pytest.raises(Empty):
        next(TextIteratorStreamerBatch(Letters(), 1, timeout=0.01))


def test_vllm_is_served_with_its_paths_and_streams(tmp_path: Path) -> None:
    """The whole way: an archive without a handler file, ``url_path``, an asynchronous worker, events over HTTP."""
    store = tmp_path / "store"
    store.mkdir()
    config = tmp_path / "model-config.yaml"
    config.write_text(
        "minWorkers: 1\nasyncCommunication: true\n"
        "handler: {vllm_engine_config: {max_model_len: 9, served_model_name: tiny}}\n"
    )
    archive("llm", version="1.0", handler="vllm_handler", config_file=str(config), export_path=str(store))
    arguments = ["--model-store", str(store), "--models", "all", "--disable-token-auth", "--port", "0"]
    server = Server(arguments, tmp_path, {"PYTHONPATH": str(STAND_INS), "OMP_NUM_THREADS": "1"}, ()).until_ready()
    try:
        listed = server.post("predictions/llm/1.0/v1/models", b"")
        assert listed.json() == {"data": [{"id": "tiny", "max_model_len": 9}]}
        request = {"model": "tiny", "prompt": "so it is", "stream": True}
        answer = server.post("predictions/llm/1.0/v1/chat/completions", json.dumps(request).encode())
        assert answer.text == "data: SO\n\ndata: IT\n\ndata: IS\n\ndata: [DONE]\n\n"
        assert answer.headers["content-type"].startswith("text/event-stream")
        wrong = server.post("predictions/llm/1.0/v9/nothing", b"{}")
        assert (wrong.status_code, wrong.json()["message"]) == (404, "Unknown API endpoint: v9/nothing")
    finally:
        server.stop()
