"""States and numbers from what a server says, without a server."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tsnb.client import Address, Client
from tsnb.messages import Failure, ModelSpec, ModelStatus, Recent, WorkerState, WorkerStatus
from tsnb.widgets.card import Card
from tsnb.widgets.charts import markup
from tsnb.widgets.facts import default_version, fleet_facts, machine_facts, model_facts, state_of, version_facts
from tsnb.widgets.howto import Call, example, snippets

ADDRESS = Address("http://host", "http://host", "http://host")
HOSTILE = "<script>alert(1)</script>"


def status(
    *states: WorkerState, wanted: int = 2, version: str = "1.0", name: str = "m", **fields: object
) -> ModelStatus:
    spec = ModelSpec(name, version, "dir", "handler", min_workers=wanted)
    workers = tuple(WorkerStatus(str(9000 + number), state, memory=1000) for number, state in enumerate(states))
    return ModelStatus(spec, workers=workers, **{"default": True, **fields})


@pytest.mark.parametrize(
    ("states", "wanted", "word"),
    [
        (("ready", "ready"), 2, "ready"),
        (("ready", "loading"), 2, "starting"),
        ((), 2, "starting"),
        ((), 0, "idle"),
        (("ready", "ready", "ready"), 2, "stopping"),
        (("ready",), 0, "stopping"),
        (("stopped",), 0, "stopping"),
        (("failed", "failed"), 2, "failed"),
        (("ready", "failed"), 2, "degraded"),
    ],
)
def test_state_of(states: tuple[WorkerState, ...], wanted: int, word: str) -> None:
    assert state_of(status(*states, wanted=wanted)) == word


def test_a_worker_that_fails_again_and_again_is_failed_not_starting() -> None:
    failure = Failure("OSError", "no weights", stage="initialize")
    worker = WorkerStatus("9000", "starting", failure=failure)
    facts = version_facts(ModelStatus(ModelSpec("m", "1.0", "d", "h", min_workers=1), True, (worker,)), ADDRESS)
    assert (facts["state"], facts["tone"]) == ("failed", "bad")
    assert facts["failure"] == "OSError in initialize: no weights"
    assert facts["workers"][0]["state"] == "failed"


def test_versions_are_ordered_as_numbers() -> None:
    facts = model_facts(
        [status(version=version, default=version == "1.9") for version in ("1.10", "1.9", "2.0")], ADDRESS
    )
    assert [each["version"] for each in facts["versions"]] == ["2.0", "1.10", "1.9"]
    assert default_version(facts)["version"] == "1.9"


def test_the_fleet_is_summed_up() -> None:
    facts = fleet_facts([status("ready", name="b"), status("ready", "loading", name="a")], ADDRESS)
    assert [model["name"] for model in facts["models"]] == ["a", "b"]
    assert (facts["ready"], facts["memory"]) == (2, "≤ 3 kB")
    alone = fleet_facts([status("ready", name="b")], ADDRESS)
    assert alone["memory"] == "1 kB", "one worker shares nothing"


def test_the_slider_ends_at_the_same_number_until_there_are_more_workers() -> None:
    most = max(8, 2 * (os.cpu_count() or 1))
    assert {version_facts(status(wanted=wanted), ADDRESS)["most"] for wanted in range(9)} == {most}
    assert version_facts(status(wanted=1000), ADDRESS)["most"] == 1000


def test_hostile_names_stay_text() -> None:
    facts = model_facts([status(name=HOSTILE, version=HOSTILE)], ADDRESS)
    calls = snippets(example(ADDRESS.prediction(HOSTILE), True))
    widget = Card(
        Client("http://host/"), HOSTILE, None, {**facts, "calls": calls, "failures": [], "gone": False, "problem": ""}
    )
    assert "<script" not in widget._repr_html_()
    assert all("<script" not in text for text in calls.values())


def test_snippets_ask_for_a_token_only_where_one_is_needed() -> None:
    url = "http://host/a%40b/tsnb/predictions/m"
    for token, words in ((True, ["TSNB_TOKEN"]), (False, [])):
        for text in snippets(example(url, token)).values():
            assert url in text
            assert [word for word in ["TSNB_TOKEN"] if word in text] == words


BODIES = {
    "json": Call("POST", "http://h/p", True, (("Content-Type", "application/json"),), b'{"it\'s": "\xc3\xa9"}'),
    "bytes": Call("POST", "http://h/p", False, (), b"\x89PNG\x00"),
    "file": Call("PUT", "http://h/p", True, (("Content-Type", "image/png"),), b"\x89PNG", "it's a picture.png"),
    "long": Call("POST", "http://h/p", False, (), b"x" * 10_000),
    "nothing": Call("GET", "http://h/ping", True),
}


@pytest.mark.parametrize("name", BODIES)
def test_every_snippet_is_code(name: str, tmp_path: Path) -> None:
    found = snippets(BODIES[name])
    compile(found["Python"], "snippet", "exec")
    assert subprocess.run(["sh", "-n"], input=found["curl"], text=True, timeout=30).returncode == 0
    if shutil.which("node"):
        file = tmp_path / "snippet.mjs"
        file.write_text(found["JavaScript"])
        assert subprocess.run(["node", "--check", str(file)], timeout=60).returncode == 0


def test_the_last_minutes_are_two_small_drawings() -> None:
    now = time.time()
    moments = (Recent(now - 10, 4, 0, 0.4, 0.2), Recent(now - 4, 2, 1, 0.1, 0.06))
    facts = version_facts(status("ready", wanted=1, recent=moments), ADDRESS)
    assert facts["rate"] == "1/s"
    drawn = markup(facts["spark_latency"])
    assert 'role="img"' in drawn
    assert "mean latency 83.3 ms, longest 200 ms" in drawn
    assert version_facts(status("ready"), ADDRESS)["spark_rate"] is None


def test_a_gpu_and_memory_are_bars() -> None:
    device = {"index": 0, "name": "H100", "memory_total": 80e9, "memory_used": 20e9, "utilization": 37}
    memory, gpu = machine_facts({"memory": {"total": 1000, "available": 250}, "devices": [device]})
    assert (memory["share"], memory["words"]) == (0.76, "76% of 1 kB")
    assert gpu == {"name": "GPU 0", "share": 0.24, "words": "24% of 80 GB, 37 % busy", "title": "H100"}
    assert machine_facts({}) == []
