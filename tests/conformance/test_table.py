"""The tables and what is recorded of them hold together, and every difference is a row of docs/torchserve.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.case import Case, every_case, tables
from tests.conformance.houses import HOUSES
from tests.conformance.recorded import groups, recorded

PAGE = Path(__file__).parent.parent.parent / "docs" / "torchserve.md"
CASES = every_case()
FEWEST = 300


def rows() -> list[str]:
    """The first cell of every row of the page."""
    return [line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if line.startswith("| ")]


def test_there_are_many_cases_with_names_of_their_own() -> None:
    assert len(CASES) >= FEWEST
    twice = [name for name, count in Counter(case.key for case in CASES).items() if count > 1]
    assert not twice


def test_every_house_exists_and_has_cases() -> None:
    assert {case.house for case in CASES} == set(HOUSES)


def test_recordings_are_those_of_the_tables() -> None:
    assert groups() == {table.group for table in tables()}
    for table in tables():
        assert set(recorded(table.group)) == {case.name for case in table}, table.group


@pytest.mark.parametrize("case", [pytest.param(case, id=case.key) for case in CASES if case.differs])
def test_a_difference_is_a_row_of_the_page_and_is_one(case: Case) -> None:
    assert any(row.startswith(case.differs) for row in rows()), f"no row of {PAGE.name} begins with {case.differs!r}"
    answers = recorded(case.group)[case.name]
    assert answers["tsnb"] != answers["torchserve"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.key) for case in CASES if not case.differs])
def test_other_cases_have_one_answer(case: Case) -> None:
    assert set(recorded(case.group)[case.name]) == {"torchserve"}


def test_recordings_name_no_machine() -> None:
    for path in (Path(__file__).parent / "recorded").glob("*.json"):
        assert not re.search(r"/(home|root|Users|tmp)/\w+", path.read_text()), path.name
