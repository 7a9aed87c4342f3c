"""What a case is: a name, a few steps, and whether tsnb differs from TorchServe on purpose.

A file in ``tests/conformance/cases/`` holds one table::

    cases = Cases("bodies", house="open")
    cases.add("a JSON object", call("POST /predictions/probe", b'{"a": 1}', content_type="application/json"))

``house`` names the settings of the server (:mod:`tests.conformance.houses`); cases of one house share one server, so a
case that changes something works on models of its own. ``differs`` is how the first cell of a row in
``docs/torchserve.md`` begins: then the two answers must differ, and both are checked.

A step is anything with ``perform(server)`` that returns JSON to compare, or None. Here are HTTP calls
(:mod:`tests.conformance.calls`), gRPC calls (:mod:`tests.conformance.rpc`), waits and files
(:mod:`tests.conformance.steps`); another kind is a module with such a class beside them. ``server.ports`` has the five
ports by name, ``server.veil(text)`` takes what is different each time out of a text.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from tests.conformance.servers import Server


class Step(Protocol):
    """One thing to do with a server."""

    def perform(self, server: Server) -> Any:
        """What came of it, as JSON to compare, or None for a step that only prepares."""
        ...


@dataclass(frozen=True)
class Case:
    """Steps that are done in order. ``key`` is its name in the recording and in the test."""

    group: str
    name: str
    house: str
    steps: tuple[Step, ...]
    differs: str = ""
    unsteady: bool = False
    """TorchServe answers now so, now otherwise: what is recorded was seen, and is not compared live."""

    @property
    def key(self) -> str:
        return f"{self.group}: {self.name}"

    def perform(self, server: Server) -> list[Any]:
        """What the steps gave, without those that give nothing."""
        results = [step.perform(server) for step in self.steps]
        return [result for result in results if result is not None]


class Cases:
    """One table; ``group`` is also the name of the file with its recorded answers."""

    def __init__(self, group: str, house: str = "open") -> None:
        self.group = group
        self.house = house
        self._cases: list[Case] = []

    def __iter__(self) -> Iterator[Case]:
        return iter(self._cases)

    def add(self, name: str, *steps: Step, differs: str = "", house: str = "", unsteady: bool = False) -> None:
        """A case of this table."""
        self._cases.append(Case(self.group, name, house or self.house, steps, differs, unsteady))


@cache
def tables() -> tuple[Cases, ...]:
    """Every table of ``tests/conformance/cases/``, by name."""
    folder = importlib.import_module("tests.conformance.cases")
    names = sorted(each.name for each in pkgutil.iter_modules(folder.__path__))
    return tuple(importlib.import_module(f"{folder.__name__}.{name}").cases for name in names)


def every_case() -> list[Case]:
    """All cases, house by house, so that a server is started once."""
    found = [case for table in tables() for case in table]
    return sorted(found, key=lambda case: case.house)
