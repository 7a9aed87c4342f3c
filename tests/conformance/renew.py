"""``python -m tests.conformance.renew [TABLE …]``: ask TorchServe and tsnb every case, and write the answers down.

With ``--tsnb`` TorchServe's answers stay as they are. What differs without being marked so is printed, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.conformance import recorded
from tests.conformance.archives import build
from tests.conformance.case import Case, Cases, every_case, tables
from tests.conformance.houses import HOUSES
from tests.conformance.servers import Kind, Server

Answers = dict[str, list[Any]]
"""The key of a case → what its steps gave."""


def ask(kind: Kind, cases: list[Case], folder: Path) -> Answers:
    """The answers of one kind of server to these cases."""
    archives = build(folder / "archives")
    answers: Answers = {}
    for name, members in groupby(cases, key=lambda case: case.house):
        place = folder / f"{kind}-{name.replace(' ', '-')}"
        place.mkdir()
        with Server(kind, HOUSES[name], place, archives) as server:
            for case in members:
                try:
                    answers[case.key] = case.perform(server)
                except AssertionError as error:
                    print(f"{kind}: {case.key}: {error}\n{server.tail()}", file=sys.stderr)
        print(f"{kind}: {name}: done", file=sys.stderr, flush=True)
    return answers


def unmarked(cases: list[Case], ours: Answers, theirs: Answers) -> list[str]:
    """What is wrong with the marks: a difference without one, or one without a difference."""
    found = []
    for case in cases:
        same = ours.get(case.key) == theirs.get(case.key)
        if same == bool(case.differs):
            why = f"is marked to differ ({case.differs}) but is the same" if same else "differs"
            found.append(f"{case.key} {why}\n  torchserve {theirs.get(case.key)}\n  tsnb       {ours.get(case.key)}")
    return found


def entry(case: Case, ours: Answers, theirs: Answers) -> dict[str, Any]:
    """One case of a recording."""
    found: dict[str, Any] = {"torchserve": theirs[case.key]}
    if case.differs:
        found |= {"tsnb": ours[case.key]}
    return found


def main() -> int:
    """Renew all tables, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="default: all")
    parser.add_argument("--tsnb", action="store_true", help="ask tsnb only")
    parser.add_argument("--case", action="append", help="only cases with this text in their name; may be repeated")
    said = parser.parse_args()
    wanted = set(said.tables) or {table.group for table in tables()}
    cases = [case for case in every_case() if case.group in wanted and _named(case, said.case)]
    with tempfile.TemporaryDirectory() as folder:
        ours = ask("tsnb", cases, _sub(folder, "ours"))
        theirs = _remembered(cases) if said.tsnb else ask("torchserve", cases, _sub(folder, "theirs"))
    known = {case.key: entry(case, ours, theirs) for case in cases if case.key in theirs and case.key in ours}
    for table in tables():
        if table.group in wanted:
            before = recorded.recorded(table.group)
            recorded.write(table.group, _merged(table, known, before))
    problems = unmarked(cases, ours, theirs)
    print("\n".join(problems), f"{len(cases)} cases, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


def _named(case: Case, texts: list[str] | None) -> bool:
    return not texts or any(text in case.name for text in texts)


def _merged(table: Cases, known: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The new answers, and for the cases that were not asked the old ones."""
    found = {case.name: known.get(case.key) or before.get(case.name) for case in table}
    return {name: answers for name, answers in found.items() if answers}


def _remembered(cases: list[Case]) -> Answers:
    known = {case.key: recorded.recorded(case.group).get(case.name) for case in cases}
    return {key: answers["torchserve"] for key, answers in known.items() if answers is not None}


def _sub(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


if __name__ == "__main__":
    raise SystemExit(main())
