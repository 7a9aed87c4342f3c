"""The try-it box, driven by the messages its page sends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tsnb.client import Client
from tsnb.errors import ModelNotFound, ModelVersionNotFound
from tsnb.widgets import card, try_it
from tsnb.widgets.sending import REMEMBERED

PATH = "/predictions/talkative"


@pytest.fixture
def page(client: Client, view: Any) -> Any:
    return view(try_it(client, "talkative"))


def ask(page: Any, kind: str = "send", *buffers: bytes, **content: Any) -> dict[str, Any]:
    return page.ask(kind, *buffers, **{"path": PATH, **content})


def test_the_box_alone_knows_its_model(client: Client) -> None:
    box = try_it(client, "talkative")
    assert repr(box) == f"try talkative at {client.address.inference}/predictions/talkative: ready"
    assert "curl" in box._repr_html_()
    with pytest.raises(ModelNotFound):
        try_it(client, "nobody")
    with pytest.raises(ModelVersionNotFound, match=r"it has 1\.0"):
        try_it(client, "talkative", "9")


def test_an_answer_tells_its_stages_and_headers(page: Any) -> None:
    answer = ask(page, text="hello", content_type="text/plain")["answer"]
    assert {"queue", "handle"} <= {part["name"] for part in answer["stages"]["parts"]}
    assert sum(part["share"] for part in answer["stages"]["parts"]) == pytest.approx(1, abs=0.01)
    assert "x-request-id" in dict(answer["headers"])


def test_any_method_path_and_header(page: Any) -> None:
    described = ask(page, method="GET", path="/models/talkative")["answer"]
    assert '"modelName": "talkative"' in described["json"]
    assert ask(page, method="GET", path="/ping")["answer"]["text"] == '{"status": "Healthy"}'
    own = ask(page, text="header", headers=[["X-Own", "mine"]], content_type="text/plain")["answer"]
    assert own["text"] == "mine"
    nothing = ask(page, method="GET", path="/nothing/here")["answer"]
    assert nothing["status_text"].startswith("404")


def test_what_cannot_be_sent_is_refused(page: Any) -> None:
    assert "is no request" in ask(page, method="BREW")["error"]["message"]
    assert "is no request" in ask(page, path="http://elsewhere/")["error"]["message"]
    assert "header" in ask(page, headers=[["X-A", "1\r\nX-B: 2"]])["error"]["message"]


def test_the_history_sends_again_and_gives_back(page: Any) -> None:
    ask(page, text='{"x": 1}', content_type="application/json")
    ask(page, "send", b"\x89PNG", content_type="image/png", file="a.png", headers=[["X-Own", "1"]])
    latest, first = page.widget.history
    assert (first["body"], first["line"], first["ok"]) == ('{"x": 1}', f"POST {PATH}", True)
    assert latest["body"] == "a.png, 4 B"
    assert page.ask("resend", number=first["number"])["answer"]["text"] == '{"type": "dict", "value": {"x": 1}}'
    assert page.ask("recall", number=first["number"])["text"] == '{"x": 1}'
    recalled = page.ask("recall", number=latest["number"])
    assert (recalled["content_type"], recalled["file"], recalled["headers"]) == ("image/png", "a.png", [["X-Own", "1"]])
    assert page.buffers == [b"\x89PNG"]


def test_the_history_forgets(page: Any) -> None:
    for number in range(REMEMBERED + 2):
        ask(page, text=str(number))
    assert len(page.widget.history) == REMEMBERED
    assert "not remembered" in page.ask("resend", number=1)["error"]["message"]


def test_a_recorded_request_comes_back(client: Client, page: Any) -> None:
    client.record("talkative", 1)
    client.predict("talkative", {"x": [1, 2]})
    [latest, *_] = page.ask("recorded")["requests"]
    assert "200" in latest["words"]
    assert not latest["failed"]
    found = page.ask("recording", request=latest["id"])
    assert (found["text"], found["content_type"], found["path"]) == ('{"x": [1, 2]}', "application/json", PATH)


def test_the_same_request_elsewhere(page: Any) -> None:
    calls = ask(page, "snippets", text='{"x": 1}', content_type="application/json")["calls"]
    assert set(calls) == {"curl", "Python", "JavaScript"}
    assert all("TSNB_TOKEN" in each and PATH in each for each in calls.values())
    drawn = ask(page, "snippets", b"\x89PNG\x00", content_type="image/png")["calls"]["curl"]
    assert drawn.startswith("echo iVBORwA= | base64 -d |\ncurl ")


def test_a_stream_is_told_as_it_arrives(client: Client, view: Any) -> None:
    client.register("three_parts-1.0.mar", initial_workers=1)
    page = view(try_it(client, "three_parts"))
    page.widget._handle_custom_msg({"kind": "send", "id": "s", "path": "/predictions/three_parts", "text": "x"}, [])
    parts = [buffers[0] for content, buffers in page.sent if content["kind"] == "part"]
    [(reply, _)] = [each for each in page.sent if each[0]["kind"] == "reply"]
    assert parts
    assert reply["answer"]["text"].startswith(b"".join(parts).decode()[:1])


def test_a_request_can_be_given_up(page: Any) -> None:
    async def go() -> None:
        page.widget._handle_custom_msg({"kind": "send", "id": "slow", "path": PATH, "text": "hello"}, [])
        page.widget._handle_custom_msg({"kind": "cancel", "id": "c", "of": "slow"}, [])
        while not any(reply["id"] == "slow" for reply, _ in page.sent):
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(go(), 30))
    said = {reply["id"]: reply for reply, _ in page.sent}
    assert said["slow"]["error"]["message"] == "Given up."


def test_the_card_lists_failures_and_tries_them_again(client: Client, view: Any) -> None:
    shown = view(card(client, "talkative"))
    ask(shown, text="fail", content_type="text/plain")
    shown.ask("refresh")
    failure = shown.widget.facts["failures"][0]
    assert failure["words"] == "ValueError in handle: the number 7 is bad"
    again = shown.ask("replay", request=failure["id"], version="1.0")["answer"]
    assert not again["ok"]
    assert "the number 7 is bad" in again["traceback"]


def test_the_card_swaps_and_rolls_back(client: Client, view: Any) -> None:
    shown = view(card(client, "talkative"))
    assert "build 2 live" in shown.ask("swap", version="1.0")["status"]
    assert shown.widget.facts["versions"][0]["build"] == 2
    assert "build" in shown.ask("rollback", version="1.0")["status"]
