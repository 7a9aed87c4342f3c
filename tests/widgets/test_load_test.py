"""A load test's widget, with a real generator and a real server."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from tsnb.client import Client, load
from tsnb.widgets import LoadTest
from tsnb.widgets.load_test import words


def load_test(client: Client, *connections: int, seconds: float = 0.4) -> LoadTest:
    stages = load.stages(connections, (), seconds)
    order = load.order_for(client.address, "talkative", None, b"hello", {"Content-Type": "text/plain"}, stages)
    return LoadTest(client, "talkative", order, words(order))


def test_it_shows_how_it_goes_and_what_came_of_it(client: Client) -> None:
    test = load_test(client, 1, 2)
    assert repr(test) == "load test of talkative: not started"
    seen: list[dict[str, Any]] = []
    test.observe(lambda change: seen.append(change["new"]), "facts")
    test.run()
    assert [each["running"] for each in seen][:: len(seen) - 1] == [True, False]
    assert any(each["live"] for each in seen)
    progress = [each["progress"] for each in seen if each["running"]]
    assert progress == sorted(progress)
    assert [step.connections for step in test.steps] == [1, 2]
    assert (test.facts["state"], len(test.facts["charts"]), len(test.facts["rows"])) == ("done", 2, 2)
    html = test._repr_html_()
    assert "answers per second" in html
    assert "<script" not in html
    assert repr(test).startswith("load test of talkative\nconnections")
    assert client.address.inference_token not in html + repr(test.get_state())


def test_the_numbers_go_on(client: Client) -> None:
    test = load_test(client, 1, seconds=0.2)
    test.run()
    assert test.result.records[0]["p50_ms"] > 0
    if importlib.util.find_spec("matplotlib"):
        above, below = test.figure().axes
        assert above.get_ylabel() == "answers per second"
        assert below.get_yscale() == "log"
    if importlib.util.find_spec("pandas"):
        assert list(test.dataframe["connections"]) == [1]
    else:
        with pytest.raises(ImportError, match="pip install pandas"):
            _ = test.dataframe


def test_it_runs_again_in_the_background_and_stops(client: Client, view: Any) -> None:
    test = load_test(client, 1, 1, seconds=30)
    page = view(test)
    thread = test.start()
    assert page.ask("refresh")["busy"]
    assert "is running" in page.ask("again")["error"]["message"]
    while "answers/s" not in test.facts["now"]:
        thread.join(0.05)
        assert thread.is_alive()
    page.ask("stop")
    thread.join(30)
    assert test.facts["state"] == "stopped"
    assert len(test.steps) == 1


def test_an_interrupt_ends_it_and_keeps_what_was_measured(client: Client) -> None:
    test = load_test(client, 1, 1, seconds=30)
    interrupted = []

    def interrupt(change: dict[str, Any]) -> None:
        if "answers/s" in change["new"]["now"] and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt

    test.observe(interrupt, "facts")
    test.run()
    assert test.facts["state"] == "stopped"
    [step] = test.steps
    assert step.stopped
    assert step.requests > 0
