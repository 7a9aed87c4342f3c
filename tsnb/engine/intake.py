"""The way in for many requests: those that come in one turn of the loop are taken in together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from tsnb.engine.api import Outcome
from tsnb.engine.job import Job
from tsnb.engine.stats import Counted
from tsnb.errors import TsnbError
from tsnb.messages import Request
from tsnb.speedups import IntakeBase

if TYPE_CHECKING:
    from tsnb.engine.model import ServedModel


class Intake(IntakeBase):
    """What is asked of one version of a model (or of its default one).

    ``find`` gives the model, which may be another each time; ``accept`` counts so many requests. ``counted`` and
    ``withdraw`` are those of the last turn: what the next is likely to get, too.
    """

    def __init__(self, find: Callable[[], ServedModel], accept: Callable[[int], Counted]) -> None:
        self._find = find
        self._accept = accept
        self._loop = asyncio.get_running_loop()
        self._model: ServedModel | None = None
        self.job_class = Job
        self.jobs: list[Job] = []

    def __call__(self, request: Request, done: Callable[[Outcome], None]) -> Callable[[], None]:
        """Queue a request, at the end of the turn or now where nobody else is likely to come.

        ``done`` is told the outcome, errors of this included, perhaps before this returns; calling what is returned
        gives the request up.
        """
        job = Job(request, done, monotonic(), self.counted, self.withdraw)
        self.jobs.append(job)
        if len(self.jobs) == 1:
            self.begin()
        return job.give_up

    def begin(self) -> None:
        """The first job of a turn is here."""
        model = self._model
        if model is None or model.alone:
            self._take_in()
        else:
            self._loop.call_soon(self._take_in)

    def _take_in(self) -> None:
        jobs, self.jobs = self.jobs, []
        try:
            model = self._find()
        except TsnbError as error:
            self._model = None
            for job in jobs:
                job.fail(type(error)(error.message))
            return
        counted = self._accept(len(jobs))
        if model is not self._model or counted is not self.counted:
            self._model, self.counted, self.withdraw = model, counted, model.cancel
            for job in jobs:
                job.counted, job.withdraw = counted, model.cancel
        model.submit_all(jobs)
