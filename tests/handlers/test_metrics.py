from __future__ import annotations

from pathlib import Path

import pytest

from tsnb.handlers.metrics import (
    MOST,
    Dimension,
    Metric,
    Metrics,
    MetricsCacheKeyError,
    MetricsCacheTypeError,
    MetricsCacheValueError,
    MetricTypes,
)
from tsnb.handlers.metrics_files import MetricsCacheIOError, MetricsCachePyYamlError, MetricsCacheYamlImpl
from tsnb.handlers.metrics_store import MetricsStore, emit_metrics
from tsnb.messages import MetricSample

DEFAULTS = (("ModelName", "m"), ("Level", "Model"))


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics("m")
    metrics.set_request_ids({0: "a", 1: "b"})
    return metrics


def test_each_way_to_report_has_its_kind_and_unit(metrics: Metrics) -> None:
    metrics.add_counter("C", 1)
    metrics.add_time("T", 2.5, 1, "s")
    metrics.add_size("S", 3, unit="kB")
    metrics.add_percent("P", 40)
    metrics.add_error("E", 1)
    metrics.add_metric("M", 5, "apples", 0, [Dimension("Level", "Host")], MetricTypes.HISTOGRAM)
    assert metrics.take() == (
        MetricSample("C", 1, "Count", "counter", DEFAULTS, "a,b"),
        MetricSample("T", 2.5, "Seconds", "gauge", DEFAULTS, "b"),
        MetricSample("S", 3, "Kilobytes", "gauge", DEFAULTS, "a,b"),
        MetricSample("P", 40, "Percent", "gauge", DEFAULTS, "a,b"),
        MetricSample("E", 1, "unit", "counter", (("Level", "Error"),), ""),
        MetricSample("M", 5, "apples", "histogram", (("Level", "Host"), ("ModelName", "m")), "a"),
    )
    assert metrics.take() == ()


@pytest.mark.parametrize(("method", "unit"), [("add_time", "min"), ("add_size", "TB")])
def test_other_units_are_refused(metrics: Metrics, method: str, unit: str) -> None:
    with pytest.raises(ValueError, match=f"not '{unit}'"):
        getattr(metrics, method)("X", 1, unit=unit)


def test_a_metric_of_ones_own(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    metric = metrics.add_metric_to_cache("Own", "ms", ["Colour"], MetricTypes.GAUGE)
    metric.add_or_update(-1, ["red"], "r")
    metric.update(2, "r", [Dimension("Size", "big")])
    assert metrics.get_metric("Own", MetricTypes.GAUGE) is metric
    assert [sample.dimensions for sample in metrics.take()] == [(("Colour", "red"),), (("Size", "big"),)]
    with pytest.raises(MetricsCacheKeyError, match="no counter named 'Own'"):
        metrics.get_metric("Own")
    assert metrics.add_metric_to_cache("Own", "ms", [], MetricTypes.GAUGE) is not metric
    assert "is defined again" in caplog.text


def test_values_without_sense_are_logged_not_raised(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    metrics.add_counter("C", -1)
    metrics.add_counter("C", 1, dimensions=[Dimension("Colour", "red")])
    assert metrics.take() == ()
    assert "a counter only goes up" in caplog.text
    assert "do not match the names" in caplog.text


def test_dimensions_that_a_handler_shares_stay_as_they_are(metrics: Metrics) -> None:
    shared = [Dimension("Colour", "red")]
    metrics.add_counter("C", 1, dimensions=shared)
    assert len(shared) == 1


@pytest.mark.parametrize("value", ["many", None, [1], "1e", 10**400])
def test_what_is_no_number_is_logged_not_raised(
    metrics: Metrics, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    metrics.add_counter("C", value)  # type: ignore[arg-type]
    assert metrics.take() == ()
    assert "is not a number" in caplog.text


def test_the_errors_are_those_that_handlers_catch(metrics: Metrics) -> None:
    with pytest.raises(MetricsCacheTypeError, match="not 'counter'"):
        metrics.add_metric("M", 1, "x", metric_type="counter")  # type: ignore[arg-type]
    with pytest.raises(MetricsCacheTypeError):
        metrics.get_metric("M", "gauge")  # type: ignore[arg-type]
    with pytest.raises(MetricsCacheValueError, match="not 'min'"):
        metrics.add_time("T", 1, unit="min")


def test_what_the_server_lists_is_there_already(metrics: Metrics) -> None:
    metrics.define([("Seconds", "s", "gauge", ("ModelName",)), ("Sizes", "B", "histogram", ())])
    metrics.get_metric("Seconds", MetricTypes.GAUGE).add_or_update(3, ["m"], "r")
    metrics.get_metric("Sizes", MetricTypes.HISTOGRAM).add_or_update(4)
    metrics.add_time("Seconds", 5)  # its default dimensions are not those that are listed
    assert metrics.take() == (
        MetricSample("Seconds", 3, "Seconds", "gauge", (("ModelName", "m"),), "r"),
        MetricSample("Sizes", 4, "Bytes", "histogram", (), ""),
    )


def test_a_flood_in_one_batch_is_put_together(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3 * MOST):
        metrics.add_counter("C", 1, dimensions=[Dimension("Digit", number % 10)])
        metrics.add_percent("P", number)
    found = metrics.take()
    assert len(found) <= MOST
    assert sum(sample.value for sample in found if sample.name == "C") == 3 * MOST
    assert [sample.value for sample in found if sample.name == "P"][-1] == 3 * MOST - 1
    assert caplog.text == ""


def test_a_flood_of_different_ones_is_cut_and_told_once(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(2 * MOST):
        metrics.add_counter("C", 1, dimensions=[Dimension("User", number)])
    assert len(metrics.take()) <= MOST
    assert caplog.text.count("the rest of them is dropped") == 1
    metrics.add_counter("C", 1, dimensions=[Dimension("User", 1)])
    assert len(metrics.take()) == 1


def test_a_metric_that_a_handler_made_by_itself_counts_too(metrics: Metrics) -> None:
    Metric("Mine", "count", ["Colour"], MetricTypes.COUNTER).add_or_update(2, ["red"])
    assert metrics.take() == (MetricSample("Mine", 2, "Count", "counter", (("Colour", "red"),), ""),)


# --- what handlers' own tests make -----------------------------------------------------------------


def test_a_cache_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "metrics.yaml"
    file.write_text("model_metrics: {gauge: [{name: Heat, unit: C, dimensions: [Room]}], counter: }")
    cache = MetricsCacheYamlImpl(str(file))
    cache.initialize_cache()
    cache.get_metric("Heat", MetricTypes.GAUGE).add_or_update(20, ["kitchen"])
    assert [sample.dimensions for sample in cache.take()] == [(("Room", "kitchen"),)]
    assert cache.cache_keys() == ["MetricTypes.GAUGE:Heat"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, MetricsCacheIOError),
        ("a: [", MetricsCachePyYamlError),
        ("ts_metrics: {}", MetricsCacheKeyError),
        ("- 1", MetricsCacheKeyError),
        ("model_metrics: {gauge: [{unit: C}]}", MetricsCacheKeyError),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str | None, error: type[Exception]) -> None:
    file = tmp_path / "metrics.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(error):
        MetricsCacheYamlImpl(str(file)).initialize_cache()


def test_the_store_of_the_first_releases() -> None:
    store = MetricsStore("request-1", "m")
    store.add_counter("C", 1)
    store.add_counter("C", 2)
    store.add_time("T", 5)
    store.add_time("T", 7)
    counter, duration = store.store
    assert (counter.value, duration.value) == (3, 7)
    assert str(counter).startswith("C.Count:3|#ModelName:m,Level:Model|#hostname:")
    assert str(counter).endswith(",request-1")
    assert counter.to_dict()["Dimensions"][0] == {"Name": "ModelName", "Value": "m"}
    counter.reset()
    assert counter.value == 0
    assert [sample.value for sample in store.take()] == [1, 2, 5, 7]


def test_metrics_that_are_emitted_by_hand_are_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    store = MetricsStore("request-1", "m")
    store.add_counter("C", 1)
    with caplog.at_level("INFO"):
        emit_metrics(store.store)
        emit_metrics(None)
    (line,) = caplog.messages
    assert line.startswith("[METRICS]C.Count:1|#ModelName:m,Level:Model|")
