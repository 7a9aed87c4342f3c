"""The default handler ``vllm_handler``: a language model behind OpenAI's endpoints, by vLLM (spec 6.7).

vLLM's own web application answers, without its web server: a request with
``url_path`` ``v1/chat/completions`` goes to that path of it. The model's
configuration says which model::

    handler:
      model_path: Llama-3.2-1B       # a folder in the archive, or a name that vLLM can download
      vllm_engine_config:            # any of vLLM's engine arguments
        max_model_len: 4096
      adapters:                      # name: folder in the archive
        support: adapters/support
    asyncCommunication: true
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import threading
from argparse import Namespace
from concurrent.futures import Future
from typing import Any

from tsnb.handlers import asgi
from tsnb.handlers.base import BaseHandler
from tsnb.handlers.context import Context
from tsnb.handlers.errors import PredictionException
from tsnb.handlers.needs import needed
from tsnb.handlers.streaming import send_intermediate_predict_response

API = "vllm.entrypoints.openai.api_server"


class VLLMHandler(BaseHandler):
    """Answers completions, chats and the list of models; streams them where the request says ``"stream": true``."""

    def __init__(self) -> None:
        super().__init__()
        self.app: Any = None
        self._loop = asyncio.new_event_loop()
        self._open = contextlib.AsyncExitStack()

    def initialize(self, context: Context) -> None:
        """Start vLLM's engine. Raises RuntimeError without vLLM, ValueError for settings that it does not know."""
        api = needed(API, "vllm", "vllm_handler")
        self.manifest = context.manifest
        self.model_yaml_config = context.model_yaml_config
        settings = self.model_yaml_config.get("handler") or {}
        arguments = engine_arguments(settings, context.system_properties["model_dir"])
        threading.Thread(target=self._loop.run_forever, name="vllm", daemon=True).start()
        self.app = self._submit(self._started(api, arguments)).result()
        self.initialized = True

    def _submit(self, work: Any) -> Future[Any]:
        """Run a coroutine where the engine lives: on an event loop of its own, which outlasts any request."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _started(self, api: Any, arguments: Namespace) -> Any:
        engine = await self._open.enter_async_context(api.build_async_engine_client(arguments))
        app = api.build_app(arguments)
        known = {"engine_client": engine, "state": app.state, "args": arguments}
        if "model_config" in inspect.signature(api.init_app_state).parameters:  # older versions of vLLM
            known["model_config"] = await engine.get_model_config()
        done = api.init_app_state(**known)
        if inspect.isawaitable(done):
            await done
        return app

    async def handle(self, data: list[dict[str, Any]], context: Context) -> list[Any]:  # type: ignore[override]
        """Answer one request. Raises PredictionException 404 for a path that vLLM does not have."""
        if len(data) != 1:
            raise ValueError(
                f"vllm_handler got {len(data)} requests at once: set batchSize to 1, vLLM batches by itself"
            )
        path = "/" + (context.get_request_header(0, "url_path") or "").strip("/")
        if path not in {getattr(route, "path", None) for route in self.app.routes}:
            raise PredictionException(f"Unknown API endpoint: {path[1:]}", 404)

        def part(chunk: bytes) -> None:
            context.set_response_content_type(0, "text/event-stream")
            send_intermediate_predict_response([chunk], context.request_ids, "", 200, context)

        answer = await asyncio.wrap_future(self._submit(asgi.ask(self.app, path, _body(data[0]), part)))
        context.set_response_content_type(0, answer.content_type)
        context.set_response_status(answer.status, "", 0)
        return [answer.body]


def _body(row: dict[str, Any]) -> bytes:
    body = row.get("data") or row.get("body") or b""
    return bytes(body) if isinstance(body, (bytes, bytearray)) else json.dumps(body).encode()


def engine_arguments(settings: dict[str, Any], model_dir: str) -> Namespace:
    """vLLM's arguments from the ``handler`` section of model-config.yaml. Raises ValueError for an unknown one."""
    adapters = [f"{name}={_inside(model_dir, folder)}" for name, folder in (settings.get("adapters") or {}).items()]
    arguments: Namespace = _parser().parse_args(["--enable-lora", "--lora-modules", *adapters] if adapters else [])
    wanted = {"model": _inside(model_dir, settings.get("model_path", "."))} | (settings.get("vllm_engine_config") or {})
    if "chat_template" in settings:
        wanted["chat_template"] = _inside(model_dir, settings["chat_template"])
    if isinstance(wanted.get("served_model_name"), str):
        wanted["served_model_name"] = [wanted["served_model_name"]]
    for name, value in wanted.items():
        if not hasattr(arguments, name):
            raise ValueError(f"vllm_engine_config has {name!r}, which this version of vLLM does not know")
        setattr(arguments, name, value)
    return arguments


def _inside(model_dir: str, path: str) -> str:
    """A path in the archive where there is one; else as it is: the name of a model, or a path elsewhere."""
    found = os.path.normpath(os.path.join(model_dir, path))
    return found if os.path.exists(found) else path


def _parser() -> Any:
    """vLLM's parser of command lines. Its parts have moved between versions."""
    cli = _first("vllm.entrypoints.common.cli_args", "vllm.entrypoints.openai.cli_args")
    utils = _first("vllm.utils.argparse_utils", "vllm.utils")
    return cli.make_arg_parser(utils.FlexibleArgumentParser())


def _first(*names: str) -> Any:
    for name in names[:-1]:
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(name)
    return importlib.import_module(names[-1])
