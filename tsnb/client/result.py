"""What a model answered: status, headers, bytes, and how to look at them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from tsnb import html
from tsnb.client import timeline
from tsnb.errors import TsnbError, from_wire
from tsnb.messages import Reply

if TYPE_CHECKING:
    import httpx

Kind = Literal["empty", "json", "labels", "image", "audio", "text", "binary"]
"""How an answer is best shown."""

_TIMING = re.compile(r"([\w-]+);dur=([\d.]+)")
_BATCH = re.compile(r'\bbatch(?:;dur=[\d.]+)?;desc="?(\d+)')

SHOWN = 20_000
"""Characters of an answer that are shown; :attr:`Result.content` always has all of it."""

_PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"BM": "image/bmp"}

_SOUNDS = {b"OggS": "audio/ogg", b"ID3": "audio/mpeg", b"\xff\xfb": "audio/mpeg", b"fLaC": "audio/flac"}


_LOGIN = re.compile(rb"(username-|_xsrf|jupyterhub)", re.IGNORECASE)


def of_the_model(headers: httpx.Headers) -> httpx.Headers:
    """Headers without the login cookies that a notebook server adds: an answer that is shown is saved with its page."""
    if "set-cookie" not in headers:
        return headers
    import httpx

    return httpx.Headers([(name, value) for name, value in headers.raw if not _is_login(name, value)])


def _is_login(name: bytes, value: bytes) -> bool:
    return name.lower() == b"set-cookie" and _LOGIN.match(value) is not None


@dataclass(frozen=True, repr=False, slots=True)
class Result:
    """One answer. ``elapsed`` is seconds from sending to the last byte, ``headers`` ignore case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    elapsed: float
    model: str = ""

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @property
    def request_id(self) -> str | None:
        """The server's id of this request, the one that logs and failures know."""
        return self.headers.get("x-request-id")

    @property
    def content_type(self) -> str:
        """The MIME type the handler set, or ``""``: TorchServe's handlers rarely set one (spec 1.4)."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()

    @property
    def timings(self) -> dict[str, float]:
        """Where the server spent its time: seconds by stage; empty if it did not say."""
        found = _TIMING.findall(self.headers.get("server-timing", ""))
        return {stage: float(milliseconds) / 1e3 for stage, milliseconds in found}

    @property
    def batch(self) -> int:
        """How many requests the handler was given at once, this one included; 0 if the server did not say."""
        found = _BATCH.search(self.headers.get("server-timing", ""))
        return int(found[1]) if found else 0

    @classmethod
    def of(cls, reply: Reply, *, request_id: str, model: str, elapsed: float) -> Result:
        """A reply that did not come over HTTP (a recorded one, a replayed one) as an answer."""
        import httpx

        timing = ", ".join(f"{stage};dur={seconds * 1e3:.3f}" for stage, seconds in reply.timings.items())
        headers = {**reply.headers, "x-request-id": request_id, **({"server-timing": timing} if timing else {})}
        return cls(reply.status, httpx.Headers(headers), bytes(reply.body), elapsed, model)

    @property
    def text(self) -> str:
        """The answer as UTF-8 text; bytes that are none become ``�``."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The answer as JSON. Raises TsnbError if it is none."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            start = self.content[:60]
            raise TsnbError(f"The answer is not JSON: it starts with {start!r}. Use .text or .content.") from error

    def raise_for_status(self) -> Result:
        """This result, or the TsnbError that its status (set by the handler) stands for."""
        if self.ok:
            return self
        error = from_wire(self.status, TsnbError.type, self.text[:1000] or f"The model answered {self.status}.")
        error.status, error.request_id = self.status, self.request_id
        raise error

    @property
    def kind(self) -> Kind:
        """How to show the answer, from its content type and its first bytes."""
        if not self.content:
            return "empty"
        if self.picture_type:
            return "image"
        if self.sound_type:
            return "audio"
        value = _parse(self.content)
        if value is not _NOTHING:
            return "labels" if labels(value) else "json"
        return "text" if _is_text(self.content) else "binary"

    @property
    def picture_type(self) -> str:
        """The MIME type of an image a browser can show safely, or ``""``."""
        if self.content[:4] == b"RIFF" and self.content[8:12] == b"WEBP":
            return "image/webp"
        return next((kind for magic, kind in _PICTURES.items() if self.content.startswith(magic)), "")

    @property
    def sound_type(self) -> str:
        """The MIME type of a sound a browser can play, or ``""``."""
        start = self.content[:4]
        if start == b"RIFF" and self.content[8:12] == b"WAVE":
            return "audio/wav"
        return next((kind for magic, kind in _SOUNDS.items() if self.content.startswith(magic)), "")

    @property
    def pretty(self) -> str:
        """The answer as text for reading: JSON indented, the middle of a long one left out."""
        kind = self.kind
        if kind in ("image", "audio", "binary"):
            what = self.picture_type or self.sound_type or self.content_type or "bytes"
            return f"<{html.bytes_text(len(self.content))} of {what}>"
        text = pretty_json(self.json()) if kind in ("json", "labels") else self.text
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… {len(text) - SHOWN:,} more characters"

    @property
    def status_text(self) -> str:
        """``200 OK``."""
        known = {item.value: item.phrase for item in HTTPStatus}
        return f"{self.status} {known.get(self.status, '')}".rstrip()

    def __repr__(self) -> str:
        lines = self.pretty.splitlines()
        if len(lines) > 24:
            lines = [*lines[:20], f"… {len(lines) - 20:,} more lines"]
        head = f"{self.status_text} · {html.seconds_text(self.elapsed)}"
        stages = timeline.text(self.timings, batch=self.batch)
        return "\n".join([head, *([stages] if stages else []), *(line[:400] for line in lines)])

    def _repr_html_(self) -> str:
        head = [
            html.badge(self.status_text, "good" if self.ok else "bad"),
            html.tag("span", html.seconds_text(self.elapsed), class_="tsnb-num"),
            html.tag("span", "request ", html.tag("code", self.request_id), class_="tsnb-dim"),
        ]
        stages = timeline.timeline(self.timings, batch=self.batch)
        return html.page(html.line(*head), self.body, stages)

    @property
    def body(self) -> html.Markup:
        """The answer alone as HTML."""
        kind = self.kind
        if kind == "labels":
            return html.bars(labels(self.json()) or {})
        if kind == "image":
            data = base64.b64encode(self.content).decode()
            return html.tag("img", src=f"data:{self.picture_type};base64,{data}", alt="answer", class_="tsnb-picture")
        if kind == "audio":
            data = base64.b64encode(self.content).decode()
            return html.tag("audio", controls=True, src=f"data:{self.sound_type};base64,{data}")
        return html.tag("pre", self.pretty)


_NOTHING: Any = object()


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return _NOTHING


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return text.isprintable() or not any(ord(char) < 32 and char not in "\t\n\r\x1b" for char in text)


def labels(value: Any) -> dict[str, float] | None:
    """The answer of a classifier, ``{label: probability}`` or a list of one such, or None for anything else."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict) or not value:
        return None
    shares = list(value.values())
    if not all(isinstance(share, float) and 0 <= share <= 1 for share in shares) or sum(shares) > 1.01:
        return None
    return value


def pretty_json(value: Any, width: int = 88) -> str:
    """JSON for reading: what fits on a line stays on it, the rest is indented by two."""
    return _lines(value, "", width)


def _lines(value: Any, indent: str, width: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + len(indent) <= width or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {_lines(item, inner, width)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    if all(isinstance(item, (int, float)) for item in value):
        return "[\n" + _filled([json.dumps(item) for item in value], inner, width) + f"\n{indent}]"
    return "[\n" + ",\n".join(inner + _lines(item, inner, width) for item in value) + f"\n{indent}]"


def _filled(items: list[str], indent: str, width: int) -> str:
    """Numbers side by side, as many as fit on a line."""
    rows, row = [], indent
    for index, item in enumerate(items):
        piece = item + ("," if index < len(items) - 1 else "")
        if len(row) + len(piece) + 1 > width and row.strip():
            rows.append(row.rstrip())
            row = indent
        row += piece + " "
    return "\n".join([*rows, row.rstrip()])
