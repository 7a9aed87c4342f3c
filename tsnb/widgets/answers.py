"""What a server answered, as data for a page: the kind, the text, the timings, the headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from IPython.core.getipython import get_ipython

from tsnb import html
from tsnb.client import Result, timeline
from tsnb.client.result import labels
from tsnb.errors import TsnbError
from tsnb.messages import Failure
from tsnb.widgets.base import Buffers
from tsnb.widgets.facts import Facts

SENT = 6_000_000
"""Bytes of a picture, sound or binary answer that go to the page; the notebook's connection takes 10 MiB."""

TREE = 200_000
"""Characters of JSON that the page gets whole, to show it as a tree."""

NO_WORKERS = "No workers: raise the slider."
"""Said in place of the server's words, which tell of its REST API."""

_NO_WORKER = "has no worker to serve inference request"

_SECRET = ("set-cookie",)
"""Headers that let their reader in: the notebook server's login cookie has no place on a page that is saved."""

_FILE = re.compile(r'File "([^"]+)", line (\d+)')


def result_answer(result: Result) -> Facts:
    """A result for the page: what it is, and its text where it has one."""
    kind = result.kind
    shares = labels(result.json()) if kind == "labels" else None
    ranked = sorted((shares or {}).items(), key=lambda pair: pair[1], reverse=True)
    whole = kind in ("json", "labels") and len(result.content) <= TREE
    return {
        **_head(result),
        "kind": kind,
        "text": result.pretty if kind in ("json", "labels", "text") else "",
        "json": result.text if whole else "",
        "labels": [[str(label), share] for label, share in ranked[:10]],
        "content_type": result.content_type,
        "media_type": result.picture_type or result.sound_type,
        "size": len(result.content),
    }


def error_answer(error: TsnbError, result: Result | None = None) -> Facts:
    """An error for the page: the server's message, and for the owner what the handler raised."""
    return {
        **(_head(result) if result is not None else {}),
        "status_text": f"{error.status} {error.type}",
        "ok": False,
        "request_id": error.request_id or "",
        "message": NO_WORKERS if _NO_WORKER in error.message else error.message,
        "traceback": traceback_text(error.failure),
        "kind": "error",
    }


def _head(result: Result) -> Facts:
    return {
        "status_text": result.status_text,
        "ok": result.ok,
        "elapsed": str(html.seconds_text(result.elapsed)),
        "request_id": result.request_id or "",
        "stages": stages(result.timings, result.batch),
        "headers": [[name, value] for name, value in result.headers.items() if name.lower() not in _SECRET],
        "length": str(html.bytes_text(len(result.content))),
    }


def stages(timings: Mapping[str, float], batch: int) -> Facts | None:
    """Where the time went: parts with their share and words, for a stacked bar."""
    parts = timeline.parts(timings)
    whole = sum(part.seconds for part in parts)
    if not whole:
        return None
    drawn = [
        {
            "name": part.name,
            "share": round(part.seconds / whole, 4),
            "words": str(timeline.milliseconds(part.seconds)),
            "meaning": timeline.MEANINGS.get(part.name, ""),
        }
        for part in parts
    ]
    return {"parts": drawn, "batch": batch}


def traceback_text(failure: Failure | None) -> str:
    """Python's own rendering, with cells by their number; ``""`` where nothing is known."""
    return with_cells(failure.traceback or f"{failure.type}: {failure.message}") if failure else ""


def with_cells(text: str) -> str:
    """Lines of a traceback with cells of this kernel by their number, as a notebook shows its own."""
    return _FILE.sub(_place, text)


def _place(line: re.Match[str]) -> str:
    """``Cell In[4], line 16`` for a file that is a cell of this kernel, the line as it is otherwise."""
    shell = get_ipython()
    name = shell.compile.format_code_name(line[1]) if shell is not None else None
    return f"{' '.join(name)}, line {line[2]}" if name else line[0]


def answer_bytes(result: Result) -> Buffers:
    """The bytes that the page needs beside the text."""
    wanted = result.kind in ("image", "audio", "binary") and len(result.content) <= SENT
    return [result.content] if wanted else ()


def shown(result: Result | None) -> tuple[Facts, Buffers]:
    """A result as the reply to a view; None is a stream, of which nothing was kept."""
    if result is None:
        return {"answer": {"status_text": "200 OK", "ok": True, "kind": "empty"}}, ()
    return {"answer": result_answer(result)}, answer_bytes(result)


def lasting(answer: Any) -> Facts:
    """What of an answer stays in the history of a box."""
    return {"status": answer["status_text"], "ok": answer["ok"], "elapsed": answer.get("elapsed", "")}
