"""Requests with the answers they must get: read, written, compared within tolerances.

A file of cases has one JSON object per line. What was sent and answered is
readable where that loses nothing: ``json`` where the bytes are the ones Python
writes for that value, ``text`` for other UTF-8, ``base64`` for the rest. ::

    {"id": "3f2a…", "send": [{"type": "application/json", "json": [1, 2]}], "answer": {"json": {"sum": 3}}}
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from tsnb.errors import BadRequest
from tsnb.messages import Parameter, Recorded, Request

REL = 1e-3
"""Numbers may differ by this share of the larger one."""

ABS = 1e-6
"""Numbers may always differ by this much."""

_CLIENTS_OWN = re.compile(
    r"host|connection|content-length|transfer-encoding|accept(-.*)?|user-agent|date|referer|origin|forwarded|via|"
    r"x-forwarded-.*|x-request-id|x-tsnb-.*|traceparent|tracestate|sec-.*|if-.*|cache-control|pragma|expect|priority",
    re.IGNORECASE,
)
"""Headers that say how a request travelled, not what it asks."""


class Content(Struct, frozen=True, omit_defaults=True):
    """Some bytes, in one of three readable forms."""

    json: Any = UNSET
    text: str | UnsetType = UNSET
    base64: str | UnsetType = UNSET

    @property
    def bytes(self) -> bytes:
        """The bytes themselves."""
        if self.json is not UNSET:
            return json.dumps(self.json).encode()
        if isinstance(self.text, str):
            return self.text.encode()
        return base64.b64decode(self.base64) if isinstance(self.base64, str) else b""


class Sent(Content, frozen=True, omit_defaults=True):
    """One parameter of a request; ``type`` is its MIME type."""

    name: str = "body"
    type: str = ""


class Case(Struct, frozen=True, omit_defaults=True):
    """A request and the answer it must get."""

    send: list[Sent] = field(default_factory=list)
    status: int = 200
    answer: Content = Content()
    id: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, recorded: Recorded) -> Case:
        """The case of a recorded request. Raises BadRequest when it has no answer or nothing was kept of it."""
        request, reply = recorded.request, recorded.reply
        if reply is None:
            raise BadRequest(f"Request {request.id} has no recorded answer: it failed, was streamed, or was not kept.")
        headers = {name: value for name, value in request.headers.items() if not _CLIENTS_OWN.fullmatch(name)}
        sent = [Sent(name=each.name, type=each.content_type, **_form(each.value)) for each in request.parameters]
        # An answer counts as its value: how a server writes JSON is not what a test is about.
        return cls(sent, recorded.status, Content(**_form(reply.body, exactly=False)), request.id, headers)

    @property
    def request(self) -> Request:
        """The request, as a server takes it."""
        return Request(self.id or "case", self.headers, tuple(Parameter(s.name, s.bytes, s.type) for s in self.send))

    def line(self) -> str:
        """The case as one line of JSON."""
        return msgspec.json.encode(self).decode()


def _form(value: bytes, *, exactly: bool = True) -> dict[str, Any]:
    value = bytes(value)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
    try:
        parsed = json.loads(text, parse_constant=_refuse)
        stable = msgspec.json.decode(msgspec.json.encode(parsed)) == parsed
    except (ValueError, RecursionError, OverflowError):
        stable = False
    if not stable:
        return {"text": text}
    return {"json": parsed} if not exactly or json.dumps(parsed) == text else {"text": text}


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


Cases: TypeAlias = str | Path | Iterable["Case | Recorded | str"]
"""A file of cases, or cases, recorded requests and lines."""


def read(source: Cases) -> list[Case]:
    """Cases from a file, or from cases, recorded requests and lines. Raises BadRequest that names the line."""
    if isinstance(source, (str, Path)):
        try:
            return list(_lines(Path(source).read_text(encoding="utf-8").splitlines(), str(source)))
        except OSError as error:
            raise BadRequest(f"{source} cannot be read: {error.strerror}.") from error
    return [case for each in source for case in _cases(each)]


def _cases(each: Case | Recorded | str) -> Iterator[Case]:
    if isinstance(each, Case):
        yield each
    elif isinstance(each, Recorded):
        yield Case.of(each)
    else:
        yield from _lines([each], "the cases")


def _lines(lines: Iterable[str], where: str) -> Iterator[Case]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            yield msgspec.json.decode(line, type=Case)
        except msgspec.MsgspecError as error:
            raise BadRequest(f"Line {number} of {where} is no case: {error}.") from error


def differences(case: Case, status: int, body: bytes, *, rel: float = REL, abs: float = ABS) -> list[str]:
    """How an answer differs from the one it must be, in words; empty where it does not.

    Structure, texts and truth values must be the same, numbers close: within
    ``rel`` times the larger one, or within ``abs``.
    """
    if status != case.status:
        return [f"status {status}, was {case.status}"]
    if case.answer.json is UNSET:
        return [] if body == case.answer.bytes else [f"{_shown(body)}, was {_shown(case.answer.bytes)}"]
    try:
        value = json.loads(body)
    except ValueError:
        return [f"{_shown(body)} is no JSON, was {_shown(case.answer.json)}"]
    return list(_unlike("answer", case.answer.json, value, rel, abs))


def _unlike(path: str, was: Any, now: Any, rel: float, abs: float) -> Iterator[str]:
    if _is_number(was) and _is_number(now):
        if not math.isclose(was, now, rel_tol=rel, abs_tol=abs):
            yield f"{path}: {now}, was {was}"
    elif isinstance(was, Mapping) and isinstance(now, Mapping):
        yield from (f"{path}.{key} is missing" for key in was if key not in now)
        yield from (f"{path}.{key} is new: {_shown(now[key])}" for key in now if key not in was)
        for key in was:
            if key in now:
                yield from _unlike(f"{path}.{key}", was[key], now[key], rel, abs)
    elif isinstance(was, list) and isinstance(now, list):
        if len(was) != len(now):
            yield f"{path}: {len(now)} items, was {len(was)}"
        for index, (old, new) in enumerate(zip(was, now, strict=False)):
            yield from _unlike(f"{path}[{index}]", old, new, rel, abs)
    elif type(was) is not type(now) or was != now:
        yield f"{path}: {_shown(now)}, was {_shown(was)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
