"""Where the time of a request went, as parts, as words and as a bar."""

from __future__ import annotations

import httpx
import pytest

from tsnb.client import Client, timeline
from tsnb.client.result import Result
from tsnb.client.timeline import Part
from tsnb.messages import Reply

TIMINGS = {
    "queue": 0.001,
    "decode": 0.0005,
    "handle": 0.006,
    "preprocess": 0.001,
    "inference": 0.004,
    "postprocess": 0.0009,
    "encode": 0.0005,
    "total": 0.010,
}


def names(parts: list[Part]) -> list[str]:
    return [part.name for part in parts]


def test_parts_are_in_order_and_add_up() -> None:
    found = timeline.parts(TIMINGS)
    assert names(found) == ["queue", "decode", "preprocess", "inference", "postprocess", "encode", "other"]
    assert sum(part.seconds for part in found) == pytest.approx(TIMINGS["total"])


def test_a_function_without_stages_is_one_part() -> None:
    assert names(timeline.parts({"queue": 0.1, "handle": 0.3, "total": 0.5})) == ["queue", "handle", "other"]


def test_time_outside_the_stages_counts_where_it_is_much() -> None:
    found = dict(timeline.parts({"handle": 0.8, "inference": 0.3, "total": 1.0}))
    assert found == pytest.approx({"inference": 0.3, "handle": 0.5, "other": 0.2})


def test_of_a_failure_the_worker_said_nothing() -> None:
    assert names(timeline.parts({"queue": 0.1, "worker": 0.2}, 0.3)) == ["queue", "worker", "other"]


def test_stages_that_overlap_never_make_a_negative_part() -> None:
    found = timeline.parts({"preprocess": 0.5, "inference": 0.9, "handle": 1.0, "total": 1.0})
    assert all(part.seconds >= 0 for part in found)


def test_words() -> None:
    assert timeline.text(TIMINGS, batch=8) == (
        "queue 1.0 ms · decode 0.50 ms · preprocess 1.0 ms · inference 4.0 ms · postprocess 0.90 ms · "
        "encode 0.50 ms · other 2.1 ms · in a batch of 8"
    )
    assert timeline.brief(TIMINGS) == "inference 4.0 ms, other 2.1 ms"
    assert timeline.text({}) == ""
    assert timeline.timeline({}) is None


def test_the_bar_says_in_words_what_it_shows() -> None:
    drawn = timeline.timeline(TIMINGS)
    assert drawn is not None
    assert 'role="img" aria-label="queue 1.0 ms, decode 0.50 ms' in drawn
    assert drawn.count("tsnb-stage-inference") == 2


def result(timing: str) -> Result:
    return Result(200, httpx.Headers({"server-timing": timing}), b"1", 0.012)


def test_a_result_shows_it() -> None:
    answer = result('queue;dur=1.000, inference;dur=4.000, batch;desc="8", total;dur=6.000')
    assert answer.batch == 8
    assert answer.timings == {"queue": 0.001, "inference": 0.004, "total": 0.006}
    assert repr(answer).splitlines()[1] == "queue 1.0 ms · inference 4.0 ms · other 1.0 ms · in a batch of 8"
    assert "tsnb-timeline" in answer._repr_html_()


def test_without_timings_nothing_is_shown() -> None:
    assert len(repr(result("")).splitlines()) == 2
    assert 'class="tsnb-timeline"' not in result("")._repr_html_()


def test_a_reply_becomes_a_result() -> None:
    reply = Reply(b"{}", 201, headers={"X-Own": "1"}, timings={"queue": 0.001})
    answer = Result.of(reply, request_id="id-1", model="m", elapsed=0.1)
    assert (answer.status, answer.request_id, answer.headers["x-own"]) == (201, "id-1", "1")
    assert answer.timings == {"queue": 0.001}


def test_a_real_server_says_where_the_time_went(client: Client) -> None:
    answer = client.predict("talkative", {"say": "hello"})
    assert {"queue", "decode", "handle", "encode", "total"} <= answer.timings.keys()
    assert "queue" in repr(answer)
