from __future__ import annotations

import pytest

from tsnb.handlers.metrics import Dimension, Metrics, MetricsCacheKeyError, MetricTypes
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
