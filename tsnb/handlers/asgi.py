"""Ask an ASGI application inside this process, as a web server would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

Part: TypeAlias = Callable[[bytes], None]


class Answer:
    """What an application answers; parts of a stream go to ``part`` as they come, but for the last."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.status = 500
        self.content_type = ""
        self.body = b""

    async def take(self, message: dict[str, Any]) -> None:
        """The application's ``send``."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.content_type = dict(message["headers"]).get(b"content-type", b"").decode("latin-1")
        elif message["type"] == "http.response.body" and message.get("body"):
            if self.body and self.content_type.startswith("text/event-stream"):
                self._part(self.body)
                self.body = b""
            self.body += message["body"]


async def ask(app: Any, path: str, body: bytes, part: Part) -> Answer:
    """POST ``body`` as JSON to a path of the application, or GET it where the body is empty."""
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:  # the client stays: whoever waits for its end is cancelled with this task
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    answer = Answer(part)
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST" if body else "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [*headers, (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
    }
    await app(scope, receive, answer.take)
    return answer
