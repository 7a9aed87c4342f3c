"""Did the module of a handler cell import in a fresh interpreter? Asked in the cell, answered there or later."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from tsnb.capture.fresh import order, problem
from tsnb.capture.module import Module
from tsnb.messages import ImportOutcome

if TYPE_CHECKING:
    from tsnb.magics.session import Session

IN_CELL = 0.3
"""Seconds that a handler cell waits for the answer."""

IN_ARCHIVE = 30.0
"""Seconds that %archive waits for it."""

UNCHECKED = "it could not be imported in a fresh interpreter in time, so that is not checked"


def begin(session: Session, name: str, module: Module) -> None:
    """Ask. What was asked about an earlier run of the cell does not count any more."""
    session.trials[name] = session.checker.submit(order(module))


def settle(session: Session, name: str, timeout: float) -> str:
    """What came of it, as a notice; empty where all is well, nothing was asked or %archive will ask again.

    Raises CaptureError when the module fails to import. Without an answer in time, a later call asks again.
    """
    trial = session.trials.get(name)
    if trial is None:
        return ""
    outcome = _wait(trial, timeout)
    if outcome is None:
        return "" if timeout <= IN_CELL else UNCHECKED  # what a cell says stays in the saved notebook
    if outcome.failure is not None:
        raise problem(outcome.failure)
    del session.trials[name]
    return "" if outcome.finished else UNCHECKED


def _wait(trial: Future[ImportOutcome], timeout: float) -> ImportOutcome | None:
    try:
        return trial.result(timeout)
    except TimeoutError:
        return None
