"""A loop that stays awake for a moment, on a loop and a clock that are arguments."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tsnb.engine import wakeful
from tsnb.engine.wakeful import MOMENT, QUICK, RAREST, Wakeful


class Loop:
    """Calls back when told to; every turn takes ten microseconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def turn(self) -> None:
        calls, self.soon = self.soon, []
        self.now += 1e-5
        for call in calls:
            call()

    def sleepless(self) -> int:
        """Turns until it may sleep."""
        turns = 0
        while self.soon:
            self.turn()
            turns += 1
        return turns


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(wakeful, "monotonic", lambda: loop.now)
    monkeypatch.setattr(wakeful, "_processors", lambda: 2)
    return loop


def test_it_stays_awake_for_a_moment_and_longer_while_events_come(loop: Loop) -> None:
    awake = Wakeful(loop)  # type: ignore[arg-type]
    awake.stay()
    for _ in range(100):
        loop.turn()
        awake.stay()
    assert loop.soon
    assert loop.sleepless() <= MOMENT / 1e-5 + 2


def test_where_it_is_in_vain_it_is_tried_more_and_more_rarely(loop: Loop) -> None:
    awake, tried = Wakeful(loop), 0  # type: ignore[arg-type]
    for _ in range(10 * RAREST):
        awake.stay()
        tried += loop.sleepless() > 0
    assert tried <= 20


def test_one_event_in_time_and_it_is_as_awake_as_ever(loop: Loop) -> None:
    awake = Wakeful(loop)  # type: ignore[arg-type]
    for _ in range(100):
        awake.stay()
        loop.sleepless()
    while not loop.soon:
        awake.stay()
    awake.stay()  # in time
    loop.sleepless()
    tried = 0
    for _ in range(3):
        awake.stay()
        tried += loop.sleepless() > 0
    assert tried >= 1


@pytest.mark.parametrize(("wanted", "processors"), [(False, 2), (True, 1)])
def test_it_sleeps_where_that_is_wanted_or_there_is_only_one_processor(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, wanted: bool, processors: int
) -> None:
    monkeypatch.setattr(wakeful, "_processors", lambda: processors)
    Wakeful(loop, wanted).stay()  # type: ignore[arg-type]
    assert not loop.soon


def test_it_sleeps_where_workers_need_all_processors(loop: Loop) -> None:
    awake = Wakeful(loop)  # type: ignore[arg-type]
    awake.stay(others=2)
    assert not loop.soon
    awake.stay(others=1)
    assert loop.soon


def test_it_sleeps_where_batches_take_longer_than_being_woken(loop: Loop) -> None:
    awake = Wakeful(loop)  # type: ignore[arg-type]
    awake.stay(QUICK)
    awake.stay(None)
    assert not loop.soon
    awake.stay(QUICK / 2)
    assert loop.soon
