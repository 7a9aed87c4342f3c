"""Requests that come in one turn of the loop are taken in together, and each is told what becomes of it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tsnb.engine.api import Outcome
from tsnb.engine.intake import Intake
from tsnb.engine.job import Job
from tsnb.errors import ModelNotFound, ServiceUnavailable
from tsnb.messages import Parameter, Reply, Request


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Model:
    """Remembers what it was given."""

    def __init__(self, alone: bool) -> None:
        self.alone = alone
        self.given: list[list[Job]] = []

    def cancel(self, job: Job) -> None:
        """Nothing waits here."""

    def submit_all(self, jobs: list[Job]) -> None:
        self.given.append(jobs)


def intake(find: Callable[[], Any], counts: list[int]) -> Intake:
    return Intake(find, lambda count: counts.append(count))  # type: ignore[arg-type, return-value]


@in_loop
async def test_the_first_goes_at_once_and_then_those_of_a_turn_together() -> None:
    model, counts = Model(alone=False), []  # type: tuple[Model, list[int]]
    take = intake(lambda: model, counts)
    take(Request("first"), print)
    assert [[job.request.id for job in jobs] for jobs in model.given] == [["first"]], "nobody knows the model yet"
    for name in "abc":
        take(Request(name), print)
    assert len(model.given) == 1
    await asyncio.sleep(0)
    assert [job.request.id for job in model.given[1]] == ["a", "b", "c"]
    assert counts == [1, 3]


@in_loop
async def test_where_requests_come_alone_each_goes_at_once() -> None:
    model = Model(alone=True)
    take = intake(lambda: model, [])
    for name in "ab":
        take(Request(name), print)
    assert [len(jobs) for jobs in model.given] == [1, 1]


@in_loop
async def test_all_of_a_turn_are_told_that_there_is_no_such_model() -> None:
    def find() -> Model:
        if gone:
            raise ModelNotFound("Model not found: m")
        return model

    gone, model, told = False, Model(alone=False), []  # type: tuple[bool, Model, list[Outcome]]
    take = intake(find, [])
    take(Request("first"), told.append)
    gone = True
    for name in "ab":
        take(Request(name), told.append)
    assert not told
    await asyncio.sleep(0)
    assert [str(each) for each in told] == ["Model not found: m"] * 2
    assert told[0] is not told[1], "errors are filled in for each request"


@in_loop
async def test_one_that_was_given_up_is_not_told_anything() -> None:
    model, told = Model(alone=False), []  # type: tuple[Model, list[Outcome]]
    take = intake(lambda: model, [])
    give_up = take(Request("a"), told.append)
    give_up()
    (job,) = model.given[0]
    assert job.gone
    job.answer(Reply(b"late"))
    assert told == []


@pytest.mark.parametrize("yaml", [None, "useJobTicket: true", "clientTimeoutInMills: 20000"])
def test_a_real_model_answers_each_and_refuses_what_its_queue_cannot_hold(bench: Any, yaml: str | None) -> None:
    handler = """
        def handle(data, context):
            return [bytes(row["body"]) for row in data or []]
    """

    async def scenario() -> None:
        async with bench(job_queue_size=4) as b:
            await b.serve("same", handler, yaml=yaml)
            take, loop = b.engine.intake("same", None), asyncio.get_running_loop()
            waiting = []
            for number in range(12):
                future: asyncio.Future[Outcome] = loop.create_future()
                take(Request(str(number), {}, (Parameter("body", b"%d" % number),)), future.set_result)
                waiting.append(future)
            outcomes = await asyncio.wait_for(asyncio.gather(*waiting), 30)
            answered = [at for at, each in enumerate(outcomes) if isinstance(each, Reply)]
            assert [bytes(outcomes[at].body) for at in answered] == [b"%d" % at for at in answered]
            refused = [each for each in outcomes if not isinstance(each, Reply)]
            assert answered
            assert refused
            assert all(isinstance(each, ServiceUnavailable) for each in refused)
            assert b.engine.describe("same")[0].queued == 0

    asyncio.run(scenario())
