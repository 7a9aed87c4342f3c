"""What is counted, how it is shown, and what happens when somebody counts too much."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from tsnb.config import Config, read
from tsnb.engine import metric_series
from tsnb.engine.job import Job
from tsnb.engine.metric_definitions import metric_name
from tsnb.engine.metric_definitions import read as definitions
from tsnb.engine.metric_log import MetricLog
from tsnb.engine.stats import LEGACY, Stats
from tsnb.errors import ConfigError
from tsnb.messages import MetricSample, ModelSpec, Request

MODEL = (("ModelName", "m"), ("Level", "Model"))
SPEC = ModelSpec("m", "1.0", "/nowhere", "handler.py")


def make(metric_log: MetricLog | None = None, **settings: object) -> Stats:
    stats = Stats(Config(**settings), metric_log)  # type: ignore[arg-type]
    stats.host = "h"
    stats.open()
    return stats


def report(stats: Stats, name: str, value: float = 1.0, kind: str = "counter", unit: str = "count", **said) -> None:
    stats.sample(MetricSample(name, value, unit, kind, said.get("dimensions", MODEL), "r"), said.get("model", "m"))


def shown(stats: Stats) -> dict[str, float]:
    """Every sample of the page as a strict parser reads it, which gives each counter the ending ``_total``."""
    text = stats.text()
    return {
        f"{_as_written(sample.name, text)}{sorted(sample.labels.items())}": sample.value
        for family in families(text)
        for sample in family.samples
    }


def _as_written(name: str, text: str) -> str:
    return name if f"# TYPE {name} " in text else name.removesuffix("_total")


def values(stats: Stats, name: str) -> list[float]:
    return [value for key, value in shown(stats).items() if key.startswith(name + "[")]


def test_counters_keep_their_plain_name_and_labels_end_with_a_comma() -> None:
    stats = make()
    stats.response(200)
    stats.response(201)
    assert stats.text(["Requests2XX"]) == (
        "# HELP Requests2XX Torchserve prometheus counter metric with unit: Count\n"
        "# TYPE Requests2XX counter\n"
        'Requests2XX{Level="Host",Hostname="h",} 2.0\n'
    )


@pytest.mark.parametrize(("status", "name"), [(200, "2XX"), (204, "2XX"), (404, "4XX"), (500, "5XX"), (302, "5XX")])
def test_responses_are_counted_by_their_class(status: int, name: str) -> None:
    stats = make()
    stats.response(status)
    assert values(stats, f"Requests{name}") == [1.0]


def test_each_metric_has_torchserves_name_kind_unit_and_labels() -> None:
    found = definitions("")
    host = ("Level", "Hostname")
    asked = ("model_name", "model_version", "hostname")
    gpu = ("Level", "DeviceId", "Hostname")
    assert {(m.name, m.kind, m.unit, m.labels) for m in found.server.values()} == {
        *((f"Requests{n}XX", "counter", "Count", host) for n in (2, 4, 5)),
        ("ts_inference_requests_total", "counter", "Count", asked),
        ("ts_inference_latency_microseconds", "counter", "Microseconds", asked),
        ("ts_queue_latency_microseconds", "counter", "Microseconds", asked),
        ("QueueTime", "gauge", "Milliseconds", host),
        ("WorkerThreadTime", "gauge", "Milliseconds", host),
        ("WorkerLoadTime", "gauge", "Milliseconds", ("WorkerName", *host)),
        ("CPUUtilization", "gauge", "Percent", host),
        ("MemoryUsed", "gauge", "Megabytes", host),
        ("MemoryAvailable", "gauge", "Megabytes", host),
        ("MemoryUtilization", "gauge", "Percent", host),
        ("DiskUsage", "gauge", "Gigabytes", host),
        ("DiskAvailable", "gauge", "Gigabytes", host),
        ("DiskUtilization", "gauge", "Percent", host),
        ("GPUMemoryUtilization", "gauge", "Percent", gpu),
        ("GPUMemoryUsed", "gauge", "Megabytes", gpu),
        ("GPUUtilization", "gauge", "Percent", gpu),
    }
    assert {(m.name, m.kind, m.unit, m.labels) for m in found.model.values()} == {
        (name, "gauge", "ms", ("ModelName", "Level", "Hostname")) for name in ("HandlerTime", "PredictionTime")
    }


def answer(stats: Stats, version: str | None, queued: float, latency: float) -> None:
    job = Job(Request("r"), lambda outcome: None, 0.0, stats.accept("m", version), taken=queued)
    stats.answered([job], job.created + latency)


def test_a_request_is_counted_under_the_version_it_named() -> None:
    stats = make()
    for version in (None, "1.0", None):
        answer(stats, version, queued=0.002, latency=0.01)
    assert shown(stats) == pytest.approx(
        {
            f"{name}[('hostname', 'h'), ('model_name', 'm'), ('model_version', '{version}')]": value * count
            for name, value in zip(LEGACY, (1.0, 10_000.0, 2000.0), strict=True)
            for version, count in (("default", 2), ("1.0", 1))
        }
        | {"QueueTime[('Hostname', 'h'), ('Level', 'Host')]": 2.0}
    )


def test_a_histogram_has_torchserves_buckets() -> None:
    stats = make()
    for value in (0.3, 0.5, 20.0):
        report(stats, "H", value, "histogram", "s")
    lines = stats.text(["H"]).splitlines()
    labels = 'ModelName="m",Level="Model",Hostname="h",'
    assert metric_series.BUCKETS[:7] == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25)
    bounds = [*map(str, metric_series.BUCKETS[:-1]), "+Inf"]
    counts = [0.0] * 7 + [2.0] * 7 + [3.0]
    assert lines == [
        "# HELP H Torchserve prometheus histogram metric with unit: Seconds",
        "# TYPE H histogram",
        *(f'H_bucket{{{labels}le="{b}",}} {c}' for b, c in zip(bounds, counts, strict=True)),
        f"H_count{{{labels}}} 3.0",
        f"H_sum{{{labels}}} 20.8",
    ]


# --- modes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "on_page", "in_logs"),
    [
        ("both", {*LEGACY, "Requests2XX", "PredictionTime", "Own"}, {*LEGACY, "Requests2XX", "PredictionTime", "Own"}),
        ("prometheus", {*LEGACY, "Requests2XX", "PredictionTime"}, set()),
        ("LOG", set(), {*LEGACY, "Requests2XX", "PredictionTime"}),
        ("legacy", set(LEGACY), {"Requests2XX", "PredictionTime"}),
    ],
)
def test_each_mode_sends_metrics_to_its_places(tmp_path: Path, mode: str, on_page: set, in_logs: set) -> None:
    stats = make(metrics_mode=mode, metrics_location=str(tmp_path))
    stats.response(200)
    answer(stats, None, queued=0.1, latency=0.2)
    report(stats, "PredictionTime", 1.5, "gauge", "ms")
    report(stats, "Own")
    stats.close()
    assert {key.split("[")[0] for key in shown(stats)} - {"QueueTime"} == on_page
    logged = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert {line.split(" - ")[1].split(".")[0] for line in logged.splitlines()} - {"QueueTime"} == in_logs
    if mode == "LOG":
        assert stats.text() == ""


def test_a_mode_may_be_written_in_any_case(tmp_path: Path) -> None:
    file = tmp_path / "config.properties"
    file.write_text("metrics_mode=Prometheus\n")
    assert read(file, {}, {}).metrics_mode == "prometheus"
    file.write_text("metrics_mode=promotheus\n")
    with pytest.raises(ConfigError, match="must be one of: both, log, prometheus, legacy"):
        read(file, {}, {})


# --- the file ------------------------------------------------------------------------------------

FILE = """
dimensions: [&name ModelName]
ts_metrics:
  counter:
    - {name: Requests2XX, unit: Count, dimensions: [Level, Hostname]}
    - {name: Requests4XX, unit: Count, dimensions: [Hostname]}
model_metrics:
  counter:
    - {name: Colours, unit: count, dimensions: [*name, Level, Colour]}
  histogram:
"""


@pytest.fixture
def listed(tmp_path: Path) -> str:
    file = tmp_path / "metrics.yaml"
    file.write_text(FILE)
    return str(file)


def test_only_listed_metrics_count_and_their_labels_go_by_position(listed: str) -> None:
    stats = make(metrics_config=listed, metrics_mode="prometheus")
    report(stats, "Colours", dimensions=(("Colour", "red"), *MODEL))
    report(stats, "Colours", dimensions=MODEL)
    report(stats, "Unlisted")
    stats.response(200)
    stats.response(404)  # listed with other labels than the server has for it
    stats.response(500)  # not listed
    assert shown(stats) == {
        "Colours[('Colour', 'Model'), ('Hostname', 'h'), ('Level', 'm'), ('ModelName', 'red')]": 1.0,
        "Requests2XX[('Hostname', 'h'), ('Level', 'Host')]": 1.0,
    }
    assert "# TYPE Requests4XX counter\n" in stats.text()  # without a sample it still has its head
    assert "Unlisted" not in stats.text()


def test_what_is_not_listed_is_detected_where_that_is_asked_for(listed: str) -> None:
    stats = make(metrics_config=listed, metrics_mode="prometheus", model_metrics_auto_detect=True)
    report(stats, "Unlisted", dimensions=(("Colour", "red"), *MODEL))
    report(stats, "Unlisted", dimensions=MODEL)
    assert values(stats, "Unlisted") == [1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file"),
        ("a: [", "while parsing"),
        ("- a list", "Expected `object`"),
        ("", "Expected `object`"),
        ("other: 1", "neither ts_metrics nor model_metrics"),
        ("ts_metrics: {counter: [{name: A, unit: ''}]}", "without a name or a unit"),
        ("ts_metrics: {counter: [{name: A}]}", "missing required field `unit`"),
        ("ts_metrics: {meter: []}", "unknown field `meter`"),
        ("model_metrics: {gauge: [{name: A, unit: x}], counter: [{name: A, unit: x}]}", "listed twice"),
        ("model_metrics: {gauge: [{name: A, unit: x, dimensions: [B, B]}]}", "two dimensions of one name"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(tmp_path: Path, text: str | bytes | None, why: str) -> None:
    file = tmp_path / "metrics.yaml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match="metrics_config") as caught:
        make(metrics_config=str(file))
    assert why in caught.value.message


# --- odd and too much ----------------------------------------------------------------------------


def test_odd_names_values_and_labels_leave_the_page_readable() -> None:
    stats = make()
    report(stats, "a b\n{x}", unit="a\nb c", dimensions=(("Colour\n", 'a"\\\nb'), ("le", "1"), ("__x", "")))
    report(stats, "9lives", dimensions=(("", "x"), ("Hostname", "mine")))
    report(stats, "", dimensions=())
    report(stats, "N", math.nan, "gauge")
    report(stats, "I", -math.inf, "gauge")
    found = shown(stats)
    assert found.pop("N[('Hostname', 'h'), ('Level', 'Model'), ('ModelName', 'm')]") != 0.0
    assert found == {
        "a_b__x_" + str([("Colour_", 'a"\\\nb'), ("Hostname", "h"), ("_le", "1"), ("_x", "")]): 1.0,
        "_9lives" + str([("Hostname", "h"), ("_", "x")]): 1.0,
        "_" + str([("Hostname", "h")]): 1.0,
        "I" + str([("Hostname", "h"), ("Level", "Model"), ("ModelName", "m")]): -math.inf,
    }


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_counter_only_goes_up(value: float, caplog: pytest.LogCaptureFixture) -> None:
    stats = make()
    report(stats, "C", 2.0)
    report(stats, "C", value)
    report(stats, "C", value)
    assert values(stats, "C") == [2.0]
    assert caplog.text.count("the metric C was given") == 1


def test_a_handler_cannot_touch_the_servers_metrics(caplog: pytest.LogCaptureFixture) -> None:
    stats = make()
    stats.response(200)
    report(stats, "Requests2XX", 1000, dimensions=(("Level", "Host"),))
    report(stats, "H", 1, "histogram")
    report(stats, "H_sum", 1)
    assert values(stats, "Requests2XX") == [1.0]
    assert values(stats, "H_sum") == [1.0]
    assert "Requests2XX is dropped" in caplog.text
    assert "H_sum is dropped" in caplog.text


def test_a_flood_of_labels_and_of_names_ends_somewhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metric_series, "MAX_SERIES", 50)
    monkeypatch.setattr(metric_series, "MAX_METRICS", 40)
    stats = make()
    for number in range(200):
        report(stats, "Labels", dimensions=(("User", str(number)),))
        report(stats, f"Name{number}")
    assert len(values(stats, "Labels")) == 50
    assert len(list(families(stats.text()))) == 40
    assert caplog.text.count("too many sets of labels") == 1
    assert caplog.text.count("more than 40 metrics") == 1
    report(stats, "Labels", dimensions=(("User", "7"),))
    assert sum(values(stats, "Labels")) == 51
    assert metric_name("x" * 10_000) == "x" * 200


def test_the_page_has_an_end(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    monkeypatch.setattr(metric_series, "MAX_ALL", 100)
    stats = make()
    for number in range(50):
        report(stats, "Spread", 0.1, "histogram", dimensions=(("User", str(number)),))
        report(stats, "Labels", dimensions=(("User", str(number)),))
    lines = [line for line in stats.text().splitlines() if not line.startswith("#")]
    assert 100 <= len(lines) < 100 + len(metric_series.BUCKETS) + 2
    stats.model_removed("m", "1.0", last=True)
    clock[0] += metric_series.LINGER
    stats.text()
    report(stats, "Labels")
    assert values(stats, "Labels") == [1.0]


# --- models and workers that come and go ----------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("tsnb.engine.stats.time.monotonic", lambda: now[0])
    return now


def used(stats: Stats, version: str = "1.0") -> None:
    for asked in (None, version):
        answer(stats, asked, queued=0.0, latency=1.0)
    report(stats, "Own")


def test_a_model_that_is_gone_leaves_its_values_for_a_last_scrape(clock: list[float]) -> None:
    stats = make()
    stats.model_added("m", "1.0")
    used(stats)
    stats.model_removed("m", "1.0", last=True)
    clock[0] += metric_series.LINGER - 1
    assert values(stats, "Own") == [1.0]
    clock[0] += 1
    assert shown(stats).keys() == {"QueueTime[('Hostname', 'h'), ('Level', 'Host')]"}
    assert "Own" not in stats.text()
    used(stats)
    assert values(stats, "Own") == [1.0]
    assert len(values(stats, "ts_inference_requests_total")) == 2


def test_a_model_that_comes_back_goes_on_counting(clock: list[float]) -> None:
    stats = make()
    stats.model_added("m", "1.0")
    used(stats)
    stats.model_removed("m", "1.0", last=True)
    clock[0] += 10
    stats.model_added("m", "1.0")
    used(stats)
    clock[0] += metric_series.LINGER
    assert values(stats, "Own") == [2.0]
    assert values(stats, "ts_inference_requests_total") == [2.0, 2.0]


def test_a_version_goes_without_its_neighbour(clock: list[float]) -> None:
    stats = make()
    for version in ("1.0", "2.0"):
        stats.model_added("m", version)
        used(stats, version)
    stats.model_removed("m", "1.0", last=False)
    clock[0] += metric_series.LINGER
    kept = [key for key in shown(stats) if key.startswith("ts_inference_requests_total")]
    assert [key for key in kept if "'1.0'" in key] == []
    assert len(kept) == 2
    assert values(stats, "Own") == [2.0]


def test_only_workers_that_live_have_a_load_time() -> None:
    stats = make()
    for worker in ("9000", "9001"):
        stats.worker_loaded(SPEC, worker, 0.25)
    stats.worker_gone(SPEC, "9000")
    assert shown(stats) == {
        "WorkerLoadTime[('Hostname', 'h'), ('Level', 'Host'), ('WorkerName', 'W-9001-m_1.0')]": 250.0
    }


PRINTED = "Cats.Count:2|#Level:Model|#type:COUNTER|#hostname:elsewhere,1700000000,r"


def test_what_a_handler_prints_is_counted() -> None:
    stats = make()
    assert stats.printed(PRINTED, "m")
    assert stats.printed(PRINTED, "m")
    assert shown(stats) == {"Cats[('Hostname', 'h'), ('Level', 'Model')]": 4.0}


@pytest.mark.parametrize(
    ("line", "told"),
    [("cats", "not a metric: 'cats'"), (PRINTED.replace("|#type:COUNTER", ""), "without #type:COUNTER")],
)
def test_a_printed_line_that_cannot_be_counted_is_told_once(
    line: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    stats = make()
    assert not stats.printed(line, "m")
    assert not stats.printed(line, "m")
    assert shown(stats) == {}
    assert caplog.text.count(told) == 1
