"""The Python side of the try-it box: send what a view composed, remember it, and say it in other languages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import traitlets

from tsnb import html
from tsnb.client import Result
from tsnb.errors import BadRequest, TsnbError
from tsnb.messages import Parameter, Recorded
from tsnb.widgets.answers import answer_bytes, error_answer, lasting, result_answer
from tsnb.widgets.base import Buffers, LiveWidget
from tsnb.widgets.facts import Facts
from tsnb.widgets.howto import Call, snippets

if TYPE_CHECKING:
    import httpx

REMEMBERED = 12
"""Requests of the history."""

REMEMBERED_BYTES = 16_000_000

PACE = 0.08
"""Seconds between two pieces of a stream that go to the page."""

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD")

RECORDED_SHOWN = 30


_NOTHING: Buffers = ()


class Sent(NamedTuple):
    """A request as a view composed it."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    file: str

    @classmethod
    def of(cls, content: Mapping[str, Any], buffers: Buffers) -> Sent:
        """From a view's message. Raises BadRequest for what cannot be sent."""
        body = bytes(buffers[0]) if buffers else str(content.get("text", "")).encode()
        method, path = str(content.get("method", "POST")), str(content["path"])
        if method not in METHODS or not path.startswith("/"):
            raise BadRequest(f"{method} {path} is no request: a method in capitals, and a path that begins with /.")
        headers = tuple((str(name), str(value)) for name, value in content.get("headers", ()))
        kind = content.get("content_type")
        if kind and body and not any(name.lower() == "content-type" for name, _ in headers):
            headers = (("Content-Type", str(kind)), *headers)
        if any(not name.isprintable() or not value.isprintable() or not name.isascii() for name, value in headers):
            raise BadRequest("A header holds a character that cannot be sent.")
        return cls(method, path, headers, body, str(content.get("file", "")))


class Sending(LiveWidget):
    """A widget with a try-it box. ``history`` is what views show of earlier requests; their bodies stay here."""

    history: traitlets.List[Facts] = traitlets.List().tag(sync=True)

    name = ""
    """The model that is tried."""

    async def _on_send(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        return await self._exchange(Sent.of(content, buffers), content)

    async def _on_resend(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        return await self._exchange(self._remembered(content), content)

    async def _exchange(self, sent: Sent, content: Mapping[str, Any]) -> tuple[Facts, Buffers]:
        stream = Stream(lambda facts, parts: self._part(content, facts, parts))
        said = {"X-Tsnb-Timing": "1", **dict(sent.headers)}
        try:
            done = await self.client.exchange(sent.method, sent.path, content=sent.body, headers=said, hear=stream.hear)
        except TsnbError as error:
            answer, parts = error_answer(error), _NOTHING
        else:
            answer, parts = await self._answer(done.result, done.error)
        self._remember(sent, answer)
        return {"answer": answer}, parts

    async def _answer(self, result: Result, error: TsnbError | None) -> tuple[Facts, Buffers]:
        if error is None:
            return result_answer(result), answer_bytes(result)
        if error.request_id and error.status >= 500:
            try:
                error.failure = await asyncio.to_thread(self.client.failure, error.request_id)
            except TsnbError:
                error.failure = None  # the answer itself is what counts
        return error_answer(error, result), ()

    # --- the history --------------------------------------------------------------------------------

    def _remember(self, sent: Sent, answer: Facts) -> None:
        kept: dict[int, Sent] = self.__dict__.setdefault("_kept", {})
        number = max(kept, default=0) + 1
        kept[number] = sent
        entry = {
            "number": number,
            "time": time.strftime("%H:%M:%S"),
            "line": f"{sent.method} {sent.path}",
            "body": _body_words(sent),
            **lasting(answer),
        }
        history = [entry, *self.history][:REMEMBERED]
        while len(history) > 1 and sum(len(kept[each["number"]].body) for each in history) > REMEMBERED_BYTES:
            history.pop()
        alive = {each["number"] for each in history}
        for old in [each for each in kept if each not in alive]:
            del kept[old]
        self.history = history

    def _remembered(self, content: Mapping[str, Any]) -> Sent:
        kept: dict[int, Sent] = self.__dict__.get("_kept", {})
        try:
            return kept[int(content["number"])]
        except KeyError:
            raise BadRequest("This request is not remembered any more.") from None

    async def _on_recall(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        return self._fill(self._remembered(content))

    # --- recorded requests --------------------------------------------------------------------------

    async def _on_recorded(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        found = await asyncio.to_thread(self.client.requests, self.name)
        return {"requests": [_outline(each) for each in found[: -RECORDED_SHOWN - 1 : -1]]}, ()

    async def _on_recording(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        kept = await asyncio.to_thread(self.client.request, self.name, str(content["request"]))
        body, kind = request_body(kept)
        path = f"/predictions/{quote(self.name, safe='')}"
        return self._fill(Sent("POST", path, (("Content-Type", kind),) if kind else (), body, ""))

    def _fill(self, sent: Sent) -> tuple[Facts, Buffers]:
        """A request as a view takes it up: text as text, all else as a buffer."""
        kind = next((value for name, value in sent.headers if name.lower() == "content-type"), "")
        headers = [[name, value] for name, value in sent.headers if name.lower() != "content-type"]
        facts = {"method": sent.method, "path": sent.path, "headers": headers, "content_type": kind, "file": sent.file}
        text = Call("POST", "", False, (), sent.body, sent.file).text
        if text is not None and not kind.startswith(("image/", "audio/", "multipart/")):
            return {**facts, "text": text}, ()
        return facts, [sent.body]

    # --- the same request elsewhere -----------------------------------------------------------------

    def _on_snippets(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        sent = Sent.of(content, buffers)
        url = self.client.address.url(sent.path)
        call = Call(sent.method, url, self.client.address.token(url) is not None, sent.headers, sent.body, sent.file)
        return {"calls": snippets(call)}


class Stream:
    """Passes the parts of an answer on as they arrive, where there is more than one, at a calm pace."""

    def __init__(self, tell: Any) -> None:
        self._tell = tell
        self._waiting = b""
        self._parts = 0
        self._told = 0.0

    def hear(self, response: httpx.Response, part: bytes) -> None:
        """A part has arrived."""
        self._waiting += part
        self._parts += 1
        now = time.monotonic()
        if "content-length" not in response.headers and now - self._told >= PACE:
            self._told = now
            waiting, self._waiting = self._waiting, b""
            self._tell({"status": response.status_code, "parts": self._parts}, [waiting])


def request_body(kept: Recorded) -> tuple[bytes, str]:
    """The body and content type of a recorded request, a form of several parts included.

    Raises BadRequest when nothing was kept of it.
    """
    parameters = kept.request.parameters
    if not parameters:
        if kept.size:
            raise BadRequest("Nothing was kept of what it sent: its model is private, or it was too large.")
        return b"", ""
    if len(parameters) == 1 and parameters[0].name in ("body", "data"):
        [only] = parameters
        sent = next((value for name, value in kept.request.headers.items() if name.lower() == "content-type"), "")
        plain = sent if sent and not sent.startswith("multipart/") else only.content_type
        return bytes(only.value), plain
    return _form(parameters)


def _form(parameters: tuple[Parameter, ...]) -> tuple[bytes, str]:
    boundary = "tsnb-form-part"
    lines = []
    for each in parameters:
        kind = f"\r\nContent-Type: {each.content_type}" if each.content_type else ""
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{each.name}"; filename="{each.name}"{kind}\r\n\r\n'
        )
        lines.append(head.encode() + bytes(each.value) + b"\r\n")
    return b"".join([*lines, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def _outline(each: Recorded) -> Facts:
    failed = each.failure is not None or each.status >= 400
    words = [
        time.strftime("%H:%M:%S", time.localtime(each.time)),
        str(each.status),
        str(html.seconds_text(each.seconds)),
    ]
    words += [str(html.bytes_text(each.size)), *([each.failure.type] if each.failure else [])]
    return {"id": each.request.id, "words": " · ".join(words), "failed": failed}


def _body_words(sent: Sent) -> str:
    """A request's body in a few words, for a line of the history."""
    if not sent.body:
        return ""
    text = Call("POST", "", False, (), sent.body, sent.file).text
    if text is not None:
        flat = " ".join(text.split())
        return flat if len(flat) <= 60 else f"{flat[:59]}…"
    return f"{sent.file or 'bytes'}, {html.bytes_text(len(sent.body))}"
