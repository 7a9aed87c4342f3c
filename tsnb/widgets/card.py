"""The card of one model: how it is, how many workers it has, a box to try it, and how to call it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tsnb import html
from tsnb.client import Client, Result
from tsnb.errors import BadRequest, ModelVersionNotFound
from tsnb.messages import Swapped
from tsnb.widgets import assets
from tsnb.widgets.answers import shown, traceback_text
from tsnb.widgets.base import REFRESH_TIMEOUT, Buffers
from tsnb.widgets.charts import page, static
from tsnb.widgets.facts import MEMORY_NOTE, Facts, default_version, failure_facts, model_facts
from tsnb.widgets.howto import example, snippets
from tsnb.widgets.sending import Sending


class Card(Sending):
    """One served model, live. Make it with :func:`card`."""

    _esm = assets.script("card.js")
    _css = assets.style("card.css")

    def __init__(self, client: Client, name: str, version: str | None, facts: Facts) -> None:
        self.name = name
        self.version = version
        self._errors = 0
        self._failures: list[Facts] = []
        super().__init__(client, facts)

    def read(self) -> Facts:
        """Every version of the model, and its latest failures. Raises ModelNotFound, ServerUnreachable."""
        facts = _read(self.client, self.name, self.version)
        errors = sum(each["errors"] for each in facts["versions"])
        if errors and errors != self._errors:
            self._failures = failure_facts(self.client.requests(self.name))
        self._errors = errors
        return {**facts, "failures": self._failures if errors else []}

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

    async def _on_swap(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        """Bring the archive, as it is now, live in place of the code that serves."""
        version = str(content["version"])
        archive = next(each["archive"] for each in self.facts["versions"] if each["version"] == version)
        if not archive:
            raise BadRequest(f"{self.name} {version} was not registered from an archive: swap it from its cell.")
        swapped = await asyncio.to_thread(self.client.swap, self.name, version, url=archive)
        return self._swapped(swapped), ()

    async def _on_rollback(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        return self._swapped(await asyncio.to_thread(self.client.rollback, self.name, str(content["version"]))), ()

    def _swapped(self, swapped: Swapped) -> Facts:
        self.refresh()
        checks = f", {html.count_text(swapped.checked, 'check')} passed" if swapped.checked else ""
        return {"status": f"build {swapped.build} live in {html.seconds_text(swapped.seconds)}{checks}, 0 dropped"}

    async def _on_replay(self, content: Mapping[str, Any], buffers: Buffers) -> tuple[Facts, Buffers]:
        """Send a failed request again, through the code that serves now."""
        kept = await asyncio.to_thread(self.client.replay, self.name, str(content["request"]), content.get("version"))
        if kept.failure is not None:
            failed = {"status_text": f"{kept.status} fails as before", "ok": False, "kind": "error"}
            return {"answer": {**failed, "message": "", "traceback": traceback_text(kept.failure)}}, ()
        identity = kept.request.id
        if kept.reply is None:
            return shown(None)
        return shown(Result.of(kept.reply, request_id=identity, model=self.name, elapsed=kept.seconds))

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
        return page(html.line(*head), _version_table(versions), call)


def card(client: Client, name: str, version: str | None = None) -> Card:
    """The card of a model that is served; ``version`` is the one it opens with (None: the default one).

    Raises ModelNotFound, ModelVersionNotFound, ServerUnreachable.
    """
    facts = _read(client, name, version)
    known = [each["version"] for each in facts["versions"]]
    if version and version not in known:
        raise ModelVersionNotFound(f"Model {name} has no version {version}; it has {', '.join(known)}.")
    return Card(client, name, version, {**facts, "failures": [], "problem": "", "gone": False})


def _read(client: Client, name: str, version: str | None) -> Facts:
    facts = model_facts(client.describe(name, timeout=REFRESH_TIMEOUT), client.address)
    token = client.address.inference_token is not None
    versions = [{**each, "calls": snippets(example(each["url"], token))} for each in facts["versions"]]
    calls = snippets(example(facts["url"], token))
    return {**facts, "versions": versions, "selected": version or "", "calls": calls}


def _version_table(versions: list[Facts]) -> html.Markup:
    rows = [
        [
            each["version"] + (" (default)" if each["default"] and len(versions) > 1 else ""),
            html.badge(each["state"], each["tone"]),
            html.Number(f"{each['ready']} / {each['wanted']}"),
            each["requests"],
            each["errors"],
            html.Number(html.escape(each["latency"] or "–")),
            static(each["spark_latency"]) if each["spark_latency"] else "",
            html.Number(html.escape(each["memory"]) if each["total"] else "–"),
        ]
        for each in versions
    ]
    memory = html.tag("span", "Resident memory", title=MEMORY_NOTE)
    return html.table(["Version", "State", "Workers", "Requests", "Errors", "Latency", "2 minutes", memory], rows)


def _ready(version: Facts) -> str:
    return f"{version['ready']} of {html.count_text(version['wanted'], 'worker')} ready"
