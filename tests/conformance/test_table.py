"""The tables and what is recorded of them hold together, and every difference is a row of docs/torchserve.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.conformance.case import every_case, tables
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


def test_a_difference_is_a_row_of_the_page_and_is_one() -> None:
    firsts = rows()
    for case in CASES:
        answers = recorded(case.group)[case.name]
        if case.differs:
            assert any(row.startswith(case.differs) for row in firsts), f"no row of {PAGE.name}: {case.differs!r}"
            assert answers["tsnb"] != answers["torchserve"], case.key
        else:
            assert set(answers) == {"torchserve"}, case.key


def test_recordings_name_no_machine() -> None:
    for path in (Path(__file__).parent / "recorded").glob("*.json"):
        assert not re.search(r"/(home|root|Users|tmp)/\w+", path.read_text()), path.name


def features() -> list[list[str]]:
    """The rows of the table of features: feature, verdict, proofs."""
    section = PAGE.read_text().partition("## Feature by feature")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_feature_has_a_verdict_and_a_test_that_exists() -> None:
    assert len(features()) >= 36
    for feature, verdict, proofs in features():
        assert re.match(r"works\b|differs: |not planned: ", verdict), feature
        paths = re.findall(r"\]\((.*?)\)", proofs)
        assert paths, feature
        assert all((PAGE.parent / path).is_file() for path in paths), feature


def test_only_what_is_dead_elsewhere_is_not_planned() -> None:
    left = [feature for feature, verdict, _ in features() if verdict.startswith("not planned")]
    assert [name.partition(" ")[0] for name in left] == ["PiPPy", "Plugins", "C++", "Intel's"]
