"""The load generator against a real server; its arithmetic without one."""

from __future__ import annotations

import random
import threading

import pytest

from tsnb.client import Client
from tsnb.client.load import LoadResult, Order, Run, Stage, Step, Tick, order_for
from tsnb.client.load.latencies import Latencies
from tsnb.errors import BadRequest


def test_quantiles_are_right_within_one_per_cent() -> None:
    chance = random.Random(0)
    values = sorted(chance.lognormvariate(-6, 1) for _ in range(5000))
    found = Latencies()
    for value in values:
        found.add(value)
    for share in (0.5, 0.95, 0.999):
        exact = values[int(share * len(values)) - 1]
        assert found.quantile(share) == pytest.approx(exact, rel=0.012)
    assert found.longest == values[-1]
    assert sum(count for _, count in found.bins()) == 5000


def test_nothing_measured_is_zero() -> None:
    assert (Latencies().quantile(0.5), Latencies().mean, Latencies().bins()) == (0.0, 0.0, ())


def steps(*throughputs: float, rate: bool = False) -> list[Step]:
    return [
        Step(number, 2**number, 2.0**number if rate else 0.0, 1.0, requests=int(each), throughput=each)
        for number, each in enumerate(throughputs)
    ]


def test_the_knee_is_where_more_connections_stop_to_help() -> None:
    assert LoadResult("m", "", steps(100, 195, 200, 198)).knee.connections == 2
    assert LoadResult("m", "", steps(100, 200, 400)).knee is None, "it still grows"
    assert LoadResult("m", "", steps(100)).knee is None


def test_the_knee_of_rates_is_the_highest_that_was_kept_up_with() -> None:
    assert LoadResult("m", "", steps(1, 2, 3, 3, rate=True)).knee.rate == 2
    assert "kept up with all" in repr(LoadResult("m", "", steps(1, 2, 4, rate=True)))
    assert "none of these rates" in repr(LoadResult("m", "", steps(0.5, 1, rate=True)))


def test_plans_have_bounds() -> None:
    for stage in (Stage(0, 1), Stage(99_999, 1), Stage(1, 0), Stage(1, 1e6), Stage(1, 1, -5)):
        with pytest.raises(BadRequest, match=r"makes? no sense"):
            Run(Order("http://h/", {}, b"", (stage,)))
    with pytest.raises(BadRequest, match="All steps together"):
        Run(Order("http://h/", {}, b"", (Stage(1, 500), Stage(1, 500))))


def test_more_connections_one_after_the_other(client: Client) -> None:
    news: list[Tick | Step] = []
    found = client.loadtest("talkative", "hello", connections=(1, 4), seconds=0.6, hear=news.append)
    assert [step.connections for step in found.steps] == [1, 4]
    for step in found.steps:
        assert set(step.statuses) == {"200"}
        assert step.errors == 0
        assert 0 < step.p50 <= step.p95 <= step.p99 <= step.longest
        assert step.throughput == pytest.approx(step.requests / step.seconds)
    assert any(isinstance(each, Tick) and each.requests for each in news)
    assert repr(found).splitlines()[1].split()[:2] == ["connections", "answers/s"]
    assert "<table>" in found._repr_html_()
    assert found.records[1]["connections"] == 4


def test_requests_fall_due_at_a_rate(client: Client) -> None:
    [step] = client.loadtest("talkative", "hello", rates=(100,), seconds=0.8).steps
    assert step.rate == 100
    assert step.statuses["200"] == pytest.approx(80, abs=15)


def test_failures_are_counted_by_what_they_were(client: Client) -> None:
    [step] = client.loadtest("nobody", "hello", connections=(1,), seconds=0.3).steps
    assert step.requests == 0
    assert set(step.problems) == {"answered 404"}
    assert "answered 404" in repr(LoadResult("nobody", "", [step]))


def test_a_server_that_is_not_there(client: Client) -> None:
    found: list[Step] = []
    order = Order("http://127.0.0.1:9/predictions/m", {}, b"", (Stage(1, 0.3, warmup=0.0),))  # the discard port
    Run(order).follow(lambda news: found.append(news) if isinstance(news, Step) else None)
    assert found[0].requests == 0
    assert any("no connection" in text for text in found[0].problems)


def test_a_test_that_is_stopped_tells_what_it_measured(client: Client) -> None:
    found: list[Step] = []
    heard = threading.Event()
    run = Run(order_for(client.address, "talkative", None, b"hi", {}, (Stage(1, 60), Stage(2, 60))))

    def hear(news: Tick | Step) -> None:
        if isinstance(news, Step):
            found.append(news)
        elif not news.warming:
            heard.set()

    thread = threading.Thread(target=run.follow, args=(hear,))
    thread.start()
    assert heard.wait(30)
    run.stop()
    thread.join(30)
    assert not thread.is_alive()
    [step] = found
    assert step.stopped
    assert step.seconds < 30


def test_a_header_cannot_smuggle_another(client: Client) -> None:
    with pytest.raises(BadRequest, match="line break"):
        client.loadtest("talkative", "x", connections=(1,), seconds=0.2, headers={"X-A": "1\r\nX-B: 2"})
