"""All models of a server in one live table, with workers to scale in place."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tsnb import html
from tsnb.client import Client
from tsnb.widgets import assets
from tsnb.widgets.base import REFRESH_TIMEOUT, Buffers, LiveWidget
from tsnb.widgets.charts import page, static
from tsnb.widgets.facts import MEMORY_NOTE, Facts, fleet_facts, machine_facts

NOTHING = "No models are served here. Archive one with %archive NAME, then %serve NAME."


MACHINE_PACE = 5.0
"""Seconds between two looks at memory and GPUs, which may start ``nvidia-smi``."""


class Fleet(LiveWidget):
    """Every model and version, live. Make it with :func:`models_table`."""

    _esm = assets.script("models_table.js")
    _css = assets.style("card.css")

    def __init__(self, client: Client, facts: Facts) -> None:
        self._asked = 0.0
        super().__init__(client, facts)

    def read(self) -> Facts:
        """Every version of every model, and the machine. Raises ServerUnreachable."""
        now = time.monotonic()
        machine = self.facts.get("machine", [])
        if now - self._asked > MACHINE_PACE:
            self._asked, machine = now, machine_facts(self.client.server())
        return {**_read(self.client), "machine": machine}

    def news(self, before: Facts, after: Facts) -> bool:
        """The machine's own memory changes all the time and is no news."""
        return {**before, "machine": None} != {**after, "machine": None}

    def busy(self) -> bool:
        """Whether a version of some model has not the workers it should have."""
        return any(each["ready"] != each["wanted"] for model in self.facts["models"] for each in model["versions"])

    def _on_scale(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        said = self.client.scale(content["name"], int(content["workers"]), content["version"], wait=False)
        self.refresh()
        return {"status": said}

    def __repr__(self) -> str:
        lines = [_line(model, each) for model in self.facts["models"] for each in model["versions"]]
        return "\n".join(lines) or NOTHING

    def _repr_html_(self) -> str:
        rows = [_row(model["name"], each) for model in self.facts["models"] for each in model["versions"]]
        headings = [
            "Model",
            "Version",
            "State",
            "Workers",
            "Queue",
            "Requests",
            "Errors",
            "Latency",
            "2 minutes",
            html.tag("span", "Memory", title=MEMORY_NOTE),
        ]
        machine = [f"{bar['name']} {bar['words']}" for bar in self.facts["machine"]]
        foot = html.tag("div", " · ".join(machine), class_="tsnb-dim") if machine else None
        return page(html.table(headings, rows) if rows else html.tag("p", NOTHING), foot)


def models_table(client: Client) -> Fleet:
    """The table of all models. Raises ServerUnreachable."""
    return Fleet(client, {**_read(client), "machine": [], "problem": "", "gone": False})


def _read(client: Client) -> Facts:
    facts = fleet_facts(client.models(timeout=REFRESH_TIMEOUT), client.address)
    return {**facts, "nothing": NOTHING}


def _row(name: str, version: Facts) -> list[object]:
    return [
        name,
        version["version"] + (" (default)" if version["default"] else ""),
        html.badge(version["state"], version["tone"]),
        html.Number(f"{version['ready']} / {version['wanted']}"),
        version["queued"],
        version["requests"],
        version["errors"],
        html.Number(html.escape(version["latency"] or "–")),
        static(version["spark_rate"]) if version["spark_rate"] else "",
        html.Number(html.escape(version["memory"]) if version["total"] else "–"),
    ]


def _line(model: Facts, version: Facts) -> str:
    default = " (default)" if version["default"] and len(model["versions"]) > 1 else ""
    workers = html.count_text(version["wanted"], "worker")
    requests = html.count_text(version["requests"], "request")
    head = f"{model['name']} {version['version']}{default}"
    return f"{head}: {version['state']}, {version['ready']} of {workers} ready, {requests}"
