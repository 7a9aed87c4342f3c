"""The card of one model: how it is, how many workers it has, a box to try it, and how to call it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from IPython.core.getipython import get_ipython

from tsnb import html
from tsnb.client import Client, Result
from tsnb.client.result import labels
from tsnb.errors import ModelVersionNotFound, TsnbError
from tsnb.messages import Failure
from tsnb.widgets import assets
from tsnb.widgets.base import REFRESH_TIMEOUT, Buffers, LiveWidget
from tsnb.widgets.facts import MEMORY_NOTE, Facts, default_version, model_facts
from tsnb.widgets.howto import snippets

SENT = 6_000_000
"""Bytes of a picture or binary answer that go to the page; the notebook's connection takes 10 MiB."""

NO_WORKERS = "No workers: raise the slider."
"""Said in place of the server's words, which tell of its REST API."""

_NO_WORKER = "has no worker to serve inference request"

_FILE = re.compile(r'File "([^"]+)", line (\d+)')


class Card(LiveWidget):
    """One served model, live. Make it with :func:`card`."""

    _esm = assets.script("card.js")
    _css = assets.style("card.css")

    def __init__(self, client: Client, name: str, version: str | None, facts: Facts) -> None:
        self.name = name
        self.version = version
        super().__init__(client, facts)

    def read(self) -> Facts:
        """Every version of the model. Raises ModelNotFound, ServerUnreachable."""
        return _read(self.client, self.name, self.version)

    def busy(self) -> bool:
        """Whether a version has not the workers it should have."""
        return any(each["ready"] != each["wanted"] for each in self.facts["versions"])

    def _on_scale(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        said = self.client.scale(self.name, int(content["workers"]), content["version"], wait=False)
        self.refresh()
        return {"status": said}

    def _on_unregister(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        said = [self.client.unregister(self.name, version) for version in self._leaving(content["version"])]
        self.refresh()
        return {"status": said}

    def _leaving(self, version: str | None) -> list[str]:
        """One version, or (None) all of them: the default one has to be the last."""
        every = sorted(self.client.describe(self.name), key=lambda status: status.default)
        return [version] if version else [status.spec.version for status in every]

    def _on_set_default(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        said = self.client.set_default(self.name, content["version"])
        self.refresh()
        return {"status": said}

    async def _on_predict(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        data = bytes(buffers[0]) if buffers else str(content.get("text", "")).encode()
        asked = {"version": content["version"], "content_type": content.get("content_type")}
        try:
            result = await self.client.predict_async(self.name, data, **asked)
        except TsnbError as error:
            return {"answer": error_answer(error)}, ()
        return {"answer": result_answer(result)}, _bytes(result)

    def __repr__(self) -> str:
        lines = [f"{self.name} at {self.facts['url']}"]
        for each in self.facts["versions"]:
            default = ", default" if each["default"] else ""
            lines.append(f"  version {each['version']}{default}: {each['state']}, {_ready(each)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        versions = self.facts["versions"]
        main = default_version(self.facts)
        state = html.badge("not served") if self.facts["gone"] else html.badge(main["state"], main["tone"])
        head = [
            html.tag("span", self.name, class_="tsnb-title"),
            state,
            html.tag("code", self.facts["url"], class_="tsnb-dim"),
        ]
        call = html.tag("pre", self.facts["calls"]["curl"])
        return html.page(html.line(*head), _version_table(versions), call)


def card(client: Client, name: str, version: str | None = None) -> Card:
    """The card of a model that is served; ``version`` is the one it opens with (None: the default one).

    Raises ModelNotFound, ModelVersionNotFound, ServerUnreachable.
    """
    facts = _read(client, name, version)
    known = [each["version"] for each in facts["versions"]]
    if version and version not in known:
        raise ModelVersionNotFound(f"Model {name} has no version {version}; it has {', '.join(known)}.")
    return Card(client, name, version, {**facts, "problem": "", "gone": False})


def _read(client: Client, name: str, version: str | None) -> Facts:
    facts = model_facts(client.describe(name, timeout=REFRESH_TIMEOUT), client.address)
    token = client.address.inference_token is not None
    versions = [{**each, "calls": snippets(each["url"], token)} for each in facts["versions"]]
    return {**facts, "versions": versions, "selected": version or "", "calls": snippets(facts["url"], token)}


def result_answer(result: Result) -> Facts:
    """A result for the page: what it is, and its text where it has one."""
    kind = result.kind
    shares = labels(result.json()) if kind == "labels" else None
    ranked = sorted((shares or {}).items(), key=lambda pair: pair[1], reverse=True)
    return {
        "status_text": result.status_text,
        "ok": result.ok,
        "elapsed": str(html.seconds_text(result.elapsed)),
        "request_id": result.request_id or "",
        "kind": kind,
        "text": result.pretty if kind in ("json", "labels", "text") else "",
        "labels": [[str(label), share] for label, share in ranked[:10]],
        "content_type": result.content_type,
        "picture_type": result.picture_type,
        "size": len(result.content),
    }


def error_answer(error: TsnbError) -> Facts:
    """An error for the page: the server's message, and for the owner what the handler raised."""
    return {
        "status_text": f"{error.status} {error.type}",
        "ok": False,
        "request_id": error.request_id or "",
        "message": NO_WORKERS if _NO_WORKER in error.message else error.message,
        "traceback": _traceback(error.failure),
        "kind": "error",
    }


def _traceback(failure: Failure | None) -> str:
    """Python's own rendering, with cells by their number; ``""`` where nothing is known."""
    return _FILE.sub(_place, failure.traceback or f"{failure.type}: {failure.message}") if failure else ""


def _place(line: re.Match[str]) -> str:
    """``Cell In[4], line 16`` for a file that is a cell of this kernel, the line as it is otherwise."""
    shell = get_ipython()
    name = shell.compile.format_code_name(line[1]) if shell is not None else None
    return f"{' '.join(name)}, line {line[2]}" if name else line[0]


def _bytes(result: Result) -> Buffers:
    wanted = result.kind in ("image", "binary") and len(result.content) <= SENT
    return [result.content] if wanted else ()


def _version_table(versions: list[Facts]) -> html.Markup:
    rows = [
        [
            each["version"] + (" (default)" if each["default"] and len(versions) > 1 else ""),
            html.badge(each["state"], each["tone"]),
            html.Number(f"{each['ready']} / {each['wanted']}"),
            each["requests"],
            each["errors"],
            html.Number(html.escape(each["latency"] or "–")),
            html.Number(html.escape(each["memory"])),
        ]
        for each in versions
    ]
    memory = html.tag("span", "Resident memory", title=MEMORY_NOTE)
    return html.table(["Version", "State", "Workers", "Requests", "Errors", "Latency", memory], rows)


def _ready(version: Facts) -> str:
    return f"{version['ready']} of {html.count_text(version['wanted'], 'worker')} ready"
