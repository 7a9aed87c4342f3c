"""The last minutes of a version, with time as an argument."""

from __future__ import annotations

from tsnb.engine.history import KEPT, MOMENT, History


def test_requests_of_one_moment_are_counted_together() -> None:
    history = History()
    for wall, latency, failed in ((100.1, 0.1, 0), (101.9, 0.3, 1), (102.0, 0.2, 0)):
        history.add(wall, 1, latency, latency, failed)
    first, second = history.recent(103.0)
    assert (first.time, first.requests, first.errors, first.longest) == (100.0, 2, 1, 0.3)
    assert round(first.seconds, 6) == 0.4
    assert (second.time, second.requests) == (102.0, 1)


def test_what_was_given_away_counts_no_further() -> None:
    history = History()
    history.add(10.0, 1, 0.1, 0.1, 0)
    [before] = history.recent(10.0)
    history.add(10.5, 1, 0.1, 0.1, 0)
    assert before.requests == 1


def test_old_moments_and_quiet_ones_take_no_room() -> None:
    history = History()
    for moment in range(3 * KEPT):
        history.add(moment * MOMENT, 1, 0.01, 0.01, 0)
    assert len(history.recent(3 * KEPT * MOMENT)) <= KEPT
    assert history.recent(1e9) == ()
    assert History().recent(0.0) == ()
