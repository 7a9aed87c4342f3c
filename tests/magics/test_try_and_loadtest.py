"""%try and %loadtest, typed into a shell beside a real server."""

from __future__ import annotations

import pytest
from support.served import Served, put_in_store

from tsnb.client import Client


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tried")
    (folder / "store").mkdir()
    put_in_store(folder / "store", "talkative", "talkative.py")
    with Served(folder, "--disable-token-auth") as server:
        with Client(server.url) as client:
            client.register("talkative-1.0.mar", initial_workers=1)
        yield server


@pytest.fixture(autouse=True)
def at_the_server(shell, served, monkeypatch):
    monkeypatch.setenv("TSNB_URL", served.url)


def test_try_shows_a_box(run):
    assert repr(run("%try talkative")).endswith("/predictions/talkative: ready")
    assert run("%try talkative/1.0").facts["selected"] == "1.0"


def test_try_has_help_and_says_what_is_not_served(run, shown, capsys):
    run("%try --help")
    assert "%try NAME[/VERSION]" in capsys.readouterr().out
    assert shown("%try nobody").startswith("ModelNotFound: Model not found: nobody. %models shows what is served")


def test_loadtest_needs_something_to_send(run, shown):
    assert "No request of talkative is recorded yet" in shown("%loadtest talkative")
    run("%predict talkative 'hello'")
    test = run("r = %loadtest talkative -c 1 --for 200ms") or run("r")
    assert test.steps[0].requests > 0


def test_loadtest_takes_data_and_options_on_both_sides(run):
    test = run("%loadtest --for 0.2s talkative {'x': [1, 2]} -c 1,2")
    assert [step.connections for step in test.steps] == [1, 2]
    assert test.order.body == b'{"x": [1, 2]}'
    assert run("%loadtest talkative 'x' --rate=40 --for 300ms").steps[0].rate == 40


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("talkative 1 -c two", "'two' is no list of numbers"),
        ("talkative 1 --for ever", "'ever' is no time"),
        ("talkative 1 -c 0", "0 connections make no sense"),
        ("talkative 1 --for 9000s", "at most 600 s"),
        ("nobody 1", "Model not found: nobody"),
        ("talkative --nope", "unrecognized arguments"),
    ],
)
def test_loadtest_says_what_makes_no_sense(shown, line, words):
    assert words in shown(f"%loadtest {line}")
