"""Bad handlers in real workers of a real server: one answer, one reason, and everything else goes on."""

from __future__ import annotations

import pytest

from tests.bad_input.conftest import Rest, error
from tests.bad_input.handlers import ANSWERING, LOADING, ODD_BUT_FINE


@pytest.mark.parametrize("case", LOADING)
def test_a_handler_that_does_not_load(rest: Rest, case: str) -> None:
    source, stage, told = LOADING[case]
    rest.put(f"load-{case}", source)
    answer = rest.register(f"load-{case}")
    message = f"Failed to start workers for model load-{case} version: 1.0"
    assert error(answer) == (500, "InternalServerException", message)
    failure = rest.failure(answer)
    assert told in failure["message"]
    assert failure["stage"] == stage
    assert rest.names() == ["fine"]
    rest.is_well()


@pytest.mark.parametrize("case", ANSWERING)
def test_a_handler_that_fails_a_request(rest: Rest, case: str) -> None:
    source, (status, message), told = ANSWERING[case]
    name = f"answer-{case}"
    rest.put(name, source, config="responseTimeout: 1\n" if case == "sleeps" else "")
    assert rest.register(name).status_code == 200
    answer = rest.predict(name)
    assert error(answer) == (status, "InternalServerException", message)
    assert told in rest.failure(answer)["message"]
    rest.is_well()
    rest.unregister(name)


@pytest.mark.parametrize("case", ODD_BUT_FINE)
def test_odd_habits_of_a_handler_do_no_harm(rest: Rest, case: str) -> None:
    source, expected = ODD_BUT_FINE[case]
    name = f"odd-{case}"
    rest.put(name, source)
    assert rest.register(name).status_code == 200
    assert (rest.predict(name).status_code, rest.predict(name).content) == (200, expected)
    rest.is_well()
    rest.unregister(name)


def test_metrics_stay_readable_whatever_handlers_call_theirs(rest: Rest) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    source, _ = ODD_BUT_FINE["odd-metrics"]
    rest.put("odd", source)  # a backslash in the URL would be a folder's (spec 2.2); a name may have one
    assert rest.register("odd", model_name='metrics "of\\it"').status_code == 200
    assert rest.http.post("/predictions/metrics%20%22of%5Cit%22").status_code == 200
    text = rest.http.get("/metrics").text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert "a_b__" in {name[:5] for name in names}
    assert '\\"of\\\\it\\"' in text
    rest.unregister("metrics%20%22of%5Cit%22")
