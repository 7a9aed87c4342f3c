"""The card's Python side, driven by the messages its page sends, with a real server behind it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tsnb.client import Client
from tsnb.errors import ModelNotFound, ModelVersionNotFound, ServerUnreachable
from tsnb.widgets import card


def until(look: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not look():
        assert time.monotonic() < end
        threading.Event().wait(0.05)


PATH = "/predictions/talkative/1.0"


def only(widget: Any) -> dict[str, Any]:
    [version] = widget.facts["versions"]
    return version


def test_a_card_knows_its_model(client: Client) -> None:
    widget = card(client, "talkative")
    assert widget.facts["url"] == f"{client.address.inference}/predictions/talkative"
    version = only(widget)
    assert (version["version"], version["state"], version["ready"], version["wanted"]) == ("1.0", "ready", 1, 1)
    assert version["workers"][0]["state"] == "ready"
    assert version["workers"][0]["pid"] > 0
    assert repr(widget).splitlines()[1] == "  version 1.0, default: ready, 1 of 1 worker ready"


def test_what_is_not_served_has_no_card(client: Client) -> None:
    with pytest.raises(ModelNotFound, match="nobody"):
        card(client, "nobody")
    with pytest.raises(ModelVersionNotFound, match=r"no version 9; it has 1\.0"):
        card(client, "talkative", "9")


def test_a_refresh_tells_only_news(client: Client, view: Any) -> None:
    widget = card(client, "talkative")
    page = view(widget)
    page.ask("refresh")
    assert page.ask("refresh") == {"kind": "reply", "id": "view-1", "news": False, "busy": False}
    client.predict("talkative", "hello")
    assert page.ask("refresh")["news"]
    assert only(widget)["requests"] == 1


def test_scaling_answers_at_once_and_shows_progress(client: Client, view: Any) -> None:
    widget = card(client, "talkative")
    page = view(widget)
    assert page.ask("scale", version="1.0", workers=3)["status"] == "Processing worker updates..."
    assert only(widget)["wanted"] == 3
    until(lambda: not page.ask("refresh")["busy"])
    assert [worker["state"] for worker in only(widget)["workers"]] == ["ready"] * 3


def test_a_refusal_reaches_the_view(client: Client, view: Any) -> None:
    page = view(card(client, "talkative"))
    assert "does not exist" in page.ask("scale", version="7", workers=1)["error"]["message"]
    assert "'dance'" in page.ask("dance")["error"]["message"]
    assert page.ask("scale", version="1.0", workers="many")["error"]["type"] == "BadRequestException"


def test_trying_text_and_a_file(client: Client, view: Any) -> None:
    page = view(card(client, "talkative"))
    said = page.ask("send", path=PATH, text='{"x": 1}', content_type="application/json")["answer"]
    assert (said["status_text"], said["kind"], said["ok"]) == ("200 OK", "json", True)
    assert said["text"] == '{"type": "dict", "value": {"x": 1}}'
    assert said["request_id"]
    assert said["elapsed"].endswith("s")
    file = page.ask("send", b"12345", path="/predictions/talkative", content_type="image/png")["answer"]
    assert file["text"].startswith("image/png: 5 bytes")


def test_labels_pictures_and_bytes(client: Client, view: Any) -> None:
    page = view(card(client, "talkative"))
    labels = page.ask("send", path=PATH, text="labels", content_type="text/plain")["answer"]
    assert labels["labels"] == [["cat", 0.7], ["<b>dog</b>", 0.25], ["fox", 0.05]]
    picture = page.ask("send", path=PATH, text="picture", content_type="text/plain")["answer"]
    assert picture["media_type"] == "image/png"
    assert page.buffers[0].startswith(b"\x89PNG")
    assert page.ask("send", path=PATH, text="bytes", content_type="text/plain")["answer"]["kind"] == "binary"
    assert page.buffers == [b"\x00\xff\x10"]


def test_a_failing_handler_shows_its_traceback_in_the_box(client: Client, view: Any) -> None:
    page = view(card(client, "talkative"))
    failed = page.ask("send", path=PATH, text="fail", content_type="text/plain")["answer"]
    assert not failed["ok"]
    assert failed["message"] == "Prediction failed"
    assert failed["traceback"].rstrip().endswith("ValueError: the number 7 is bad")


def test_a_try_leaves_the_loop_free(client: Client, view: Any) -> None:
    page = view(card(client, "talkative"))
    reply = asyncio.run(page.ask_on_the_loop("send", path=PATH, text="hello", content_type="text/plain"))
    assert reply["answer"]["ok"]


def test_versions_and_the_default(client: Client, view: Any) -> None:
    client.register("talkative-2.0.mar", initial_workers=0)
    widget = card(client, "talkative", "2.0")
    page = view(widget)
    assert widget.facts["selected"] == "2.0"
    assert [(each["version"], each["default"]) for each in widget.facts["versions"]] == [("2.0", False), ("1.0", True)]
    assert widget.facts["versions"][0]["state"] == "no workers"
    refused = page.ask("send", path="/predictions/talkative/2.0", text="hello", content_type="text/plain")["answer"]
    assert refused["message"] == "No workers: raise the slider."
    page.ask("set_default", version="2.0")
    assert widget.facts["versions"][0]["default"]
    page.ask("unregister", version=None)
    assert widget.facts["gone"]
    assert client.models() == []


def test_one_version_can_go_alone(client: Client, view: Any) -> None:
    client.register("talkative-2.0.mar", initial_workers=0)
    widget = card(client, "talkative")
    view(widget).ask("unregister", version="2.0")
    assert only(widget)["version"] == "1.0"


def test_a_server_that_is_gone_is_a_fact(client: Client, view: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = card(client, "talkative")
    elsewhere = Client("http://127.0.0.1:9")  # nobody listens on the discard port
    widget.client = elsewhere
    view(widget).ask("refresh")
    assert "Nobody answers" in widget.facts["problem"]
    with pytest.raises(ServerUnreachable):
        card(elsewhere, "talkative")
    widget.client = client
    view(widget).ask("refresh")
    assert widget.facts["problem"] == ""


def test_every_display_has_text_and_html(client: Client) -> None:
    data, _ = card(client, "talkative")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"].startswith("talkative at http")
    assert "<table>" in data["text/html"]
    assert "curl" in data["text/html"]
    assert "<script" not in data["text/html"]


def test_the_token_is_shown_nowhere(client: Client) -> None:
    widget = card(client, "talkative")
    shown = repr(widget.get_state()) + repr(widget._repr_mimebundle_())
    assert "$TSNB_TOKEN" in shown
    assert client.address.inference_token not in shown
    assert client.address.management_token not in shown
