"""Every case, asked of tsnb and compared with what TorchServe answered; ``make conformance`` asks both live."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.conformance.case import Case, every_case
from tests.conformance.recorded import recorded

CASES = every_case()
HOUSES = [(name, list(members)) for name, members in groupby(CASES, key=lambda case: case.house)]


def expected(case: Case, kind: str) -> list:
    """What a server of this kind should answer."""
    found = recorded(case.group).get(case.name)
    assert found is not None, f"not recorded: run  make conformance-renew ARGS='{case.group!r}'"
    return found.get(kind, found["torchserve"])


@pytest.mark.parametrize(
    "case",
    [pytest.param(each, id=each.key, marks=pytest.mark.xdist_group(f"conformance {each.house}")) for each in CASES],
)
def test_tsnb_answers_as_recorded(case: Case, house) -> None:
    answers = case.perform(house("tsnb", case.house))
    assert answers == expected(case, "tsnb"), case.differs or "TorchServe answers otherwise"


@pytest.mark.torchserve
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "cases"), HOUSES, ids=[name for name, _ in HOUSES])
def test_torchserve_answers_as_recorded(name: str, cases: list[Case], torchserve, house) -> None:
    drifts = []
    for case in cases:
        answers = case.perform(house("torchserve", name))
        if not case.unsteady and answers != expected(case, "torchserve"):
            drifts.append(f"{case.key}\n  now      {answers}\n  recorded {expected(case, 'torchserve')}")
    assert not drifts, "\n".join(drifts)
