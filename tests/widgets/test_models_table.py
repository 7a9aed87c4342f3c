"""The table of all models, driven by the messages its page sends."""

from __future__ import annotations

from typing import Any

from tsnb.client import Client
from tsnb.widgets import models_table


def test_all_models_in_one_table(client: Client) -> None:
    client.register("talkative-2.0.mar", initial_workers=0)
    fleet = models_table(client)
    [model] = fleet.facts["models"]
    assert [(each["version"], each["wanted"]) for each in model["versions"]] == [("2.0", 0), ("1.0", 1)]
    assert fleet.facts["ready"] == 1
    assert repr(fleet).splitlines() == [
        "talkative 2.0: no workers, 0 of 0 workers ready, 0 requests",
        "talkative 1.0 (default): ready, 1 of 1 worker ready, 0 requests",
    ]


def test_scaling_in_place(client: Client, view: Any) -> None:
    fleet = models_table(client)
    page = view(fleet)
    page.ask("scale", name="talkative", version="1.0", workers=2)
    assert fleet.facts["models"][0]["versions"][0]["wanted"] == 2
    assert "Model not found" in page.ask("scale", name="nobody", version="1.0", workers=2)["error"]["message"]


def test_a_server_without_models_says_how_to_begin(client: Client) -> None:
    client.unregister("talkative")
    fleet = models_table(client)
    assert "%serve" in repr(fleet)
    assert "%serve" in fleet._repr_html_()


def test_the_table_has_text_and_html(client: Client) -> None:
    data, _ = models_table(client)._repr_mimebundle_()
    assert data["text/plain"].startswith("talkative 1.0: ready")
    assert data["text/html"].count("<tr>") == 2
