"""The box that tries a model, alone: the notebook's own curl."""

from __future__ import annotations

from tsnb import html
from tsnb.client import Client
from tsnb.errors import ModelVersionNotFound
from tsnb.widgets import assets
from tsnb.widgets.base import REFRESH_TIMEOUT
from tsnb.widgets.facts import Facts, default_version, model_facts
from tsnb.widgets.howto import example, snippets
from tsnb.widgets.sending import Sending


class TryIt(Sending):
    """Compose a request, send it, look at the answer. Make it with :func:`try_it`."""

    _esm = assets.script("try_alone.js")
    _css = assets.style("card.css")

    def __init__(self, client: Client, name: str, version: str | None, facts: Facts) -> None:
        self.name = name
        self.version = version
        super().__init__(client, facts)

    def read(self) -> Facts:
        """Which versions there are, and how they are. Raises ModelNotFound, ServerUnreachable."""
        return _read(self.client, self.name, self.version)

    def busy(self) -> bool:
        """Whether workers are on their way."""
        return any(each["ready"] != each["wanted"] for each in self.facts["versions"])

    def __repr__(self) -> str:
        return f"try {self.name} at {self.facts['url']}: {default_version(self.facts)['state']}"

    def _repr_html_(self) -> str:
        main = default_version(self.facts)
        state = html.badge("not served") if self.facts["gone"] else html.badge(main["state"], main["tone"])
        head = html.line(html.tag("span", self.name, class_="tsnb-title"), state)
        return html.page(head, html.tag("pre", self.facts["calls"]["curl"]))


def try_it(client: Client, name: str, version: str | None = None) -> TryIt:
    """The box for a model that is served; ``version`` is the one it asks first (None: the default one).

    Raises ModelNotFound, ModelVersionNotFound, ServerUnreachable.
    """
    facts = _read(client, name, version)
    known = [each["version"] for each in facts["versions"]]
    if version and version not in known:
        raise ModelVersionNotFound(f"Model {name} has no version {version}; it has {', '.join(known)}.")
    return TryIt(client, name, version, {**facts, "problem": "", "gone": False})


_SHOWN = ("version", "default", "state", "tone", "ready", "wanted", "url")


def _read(client: Client, name: str, version: str | None) -> Facts:
    """Only what the box shows: numbers that change with each request would wake its views for nothing."""
    facts = model_facts(client.describe(name, timeout=REFRESH_TIMEOUT), client.address)
    versions = [{key: each[key] for key in _SHOWN} for each in facts["versions"]]
    calls = snippets(example(facts["url"], client.address.inference_token is not None))
    return {**facts, "versions": versions, "selected": version or "", "calls": calls}
