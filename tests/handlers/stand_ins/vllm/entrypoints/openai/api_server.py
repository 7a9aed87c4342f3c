"""An application as vLLM's: its state, its routes, its answers."""

import asyncio
import contextlib
import json
from types import SimpleNamespace

ABORTED = []


@contextlib.asynccontextmanager
async def build_async_engine_client(args):
    async def get_model_config():
        return {"max_model_len": args.max_model_len}

    yield SimpleNamespace(args=args, loop=asyncio.get_running_loop(), get_model_config=get_model_config)


def build_app(args):
    return Application()


def init_app_state(engine_client, model_config, state, args):
    state.engine, state.names, state.config = engine_client, args.served_model_name or [args.model], model_config


class Application:
    def __init__(self):
        self.state = SimpleNamespace()
        paths = ("/v1/models", "/v1/completions", "/v1/chat/completions")
        self.routes = [SimpleNamespace(path=path) for path in paths]

    async def __call__(self, scope, receive, send):
        assert asyncio.get_running_loop() is self.state.engine.loop
        body = (await receive())["body"]
        if scope["path"] == "/v1/models" and scope["method"] == "GET":
            listed = {"data": [{"id": name, **self.state.config} for name in self.state.names]}
            await answer(send, 200, json.dumps(listed))
            return
        request = json.loads(body)
        if request["model"] not in self.state.names:
            await answer(send, 404, json.dumps({"error": "no such model"}))
            return
        if request.get("forever"):
            try:
                await receive()
            except asyncio.CancelledError:
                ABORTED.append(request)
                raise
        text = request["prompt"].upper()
        if not request.get("stream"):
            await answer(send, 200, json.dumps({"choices": [{"text": text}]}))
            return
        await start(send, 200, "text/event-stream; charset=utf-8")
        for word in text.split():
            await part(send, f"data: {word}\n\n", more=True)
        await part(send, "data: [DONE]\n\n", more=True)
        await part(send, "", more=False)


async def start(send, status, kind):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})


async def part(send, text, more):
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def answer(send, status, text):
    await start(send, status, "application/json")
    await part(send, text, more=False)
