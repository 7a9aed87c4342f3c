"""What is compiled does what the Python beside it does; what it cannot do it leaves to that."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from tests.rest.lanes import ASK, CompiledEngine, House, Transport, in_loop
from tsnb import protocol
from tsnb.engine.job import Job
from tsnb.messages import Parameter, Reply, Request
from tsnb.speedups import COMPILED, frame, given, mark, spent, tell, together
from tsnb.speedups import plain as python

ROOT = Path(__file__).parents[2]
compiled = pytest.mark.skipif(not COMPILED, reason="nothing is compiled here")


class CompiledHouse(House):
    engine_class = CompiledEngine

    def jobs(self, *asked: bytes) -> list[Job]:
        """The jobs of these requests, each sent on a connection of its own, at rest, with a head that is known."""
        assert isinstance(self.engine, CompiledEngine)
        for data in asked:
            self.connect(Transport()).data_received(data)
            self.engine.answer(Reply(b"ok"))
        for data in asked:
            self.connect(Transport()).data_received(data)
        return self.engine.jobs


def ask(kind: str, body: bytes, name: str = "m", host: str = "h") -> bytes:
    lines = (
        f"POST /predictions/{name} HTTP/1.1",
        f"Host: {host}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


def ordinary(name: str) -> Job:
    return Job(Request(name, {}, (Parameter("body", b"x", "text/plain"),)), lambda outcome: None, 1.0)


# --- frames ---------------------------------------------------------------------------------------------

KINDS = st.sampled_from(["application/json", "text/plain", "image/png", ""])
ASKED = st.tuples(KINDS, st.binary(max_size=300), st.sampled_from(["a", "b", "a-longer-one.example:8080"]))


@compiled
@settings(deadline=None, max_examples=60)
@examples(st.lists(ASKED, min_size=1, max_size=40), st.sampled_from([1, 127, 128, 65_535, 65_536, 2**40]))
def test_a_worker_reads_the_same_from_either_frame(asked: list[tuple[str, bytes, str]], number: int) -> None:
    @in_loop
    async def compare() -> None:
        jobs = CompiledHouse().jobs(*(ask(kind, body, host=host) for kind, body, host in asked))
        assert len(jobs) == len(asked)
        made = frame(number, jobs)
        assert made is not None
        ((message, bodies),) = protocol.Reader().feed(made)
        wanted, buffers = protocol.batch(number, [job.request for job in jobs])
        assert isinstance(message, protocol.Batch)
        assert (message.number, message.ids, message.sizes) == (number, wanted.ids, wanted.sizes)
        assert [bytes(each) for each in protocol.values(message, bodies)] == [bytes(each) for each in buffers]
        for at in range(len(jobs)):
            assert protocol.headers(message, at) == protocol.headers(wanted, at)
            assert protocol.kinds(message, at) == protocol.kinds(wanted, at)

    compare()


@compiled
@in_loop
async def test_what_is_no_frame_of_compiled_jobs_is_left_to_python() -> None:
    jobs = CompiledHouse().jobs(ask("text/plain", b"x" * 40_000), ask("text/plain", b"y" * 30_000))
    assert frame(1, jobs) is None, "bodies that are not worth copying"
    assert frame(1, jobs[:1]) is not None
    assert frame(1, []) is None
    assert frame(1, [jobs[0], ordinary("o")]) is None
    assert not together([jobs[0], ordinary("o")])
    jobs[1].request = Request("changed", {}, jobs[1].request.parameters)
    assert frame(1, jobs[1:]) is None, "what came is no longer what the worker should get"
    assert not together(jobs[1:])
    assert together(jobs[:1])
    jobs[0].abandon()
    assert not together(jobs[:1])


@compiled
@in_loop
async def test_requests_of_a_head_that_must_be_alone_do_not_go_together() -> None:
    explained = ask("text/plain", b"x").replace(b"\r\n\r\n", b"\r\ndescribe: True\r\n\r\n", 1)
    jobs = CompiledHouse().jobs(explained)
    assert frame(1, jobs) is not None, "it came the compiled way"
    assert not together(jobs)


# --- answers --------------------------------------------------------------------------------------------


@compiled
@in_loop
async def test_answers_that_do_not_fit_are_not_noted() -> None:
    first, second = jobs = CompiledHouse().jobs(ask("", b"a"), ask("", b"b"))
    assert not given(jobs, (1,), b"x", {})
    assert not given(jobs, (1, 1), b"xyz", {})
    assert not given(jobs, (3, -1), b"xy", {})
    assert not given(jobs, (1, 1), memoryview(b"xy"), {})  # type: ignore[arg-type]
    assert not given([first, ordinary("o")], (1, 1), b"xy", {})
    assert (first.reply, second.reply) == (None, None)
    assert given(jobs, (2, 1), b"xyz", {"handle": 0.5})
    assert first.reply == Reply(b"xy", timings={"handle": 0.5})
    assert second.reply == Reply(b"z", timings={"handle": 0.5})


@compiled
@in_loop
async def test_a_batch_is_told_and_counted_at_once_but_for_those_who_left() -> None:
    house = CompiledHouse()
    house.jobs(*(ask("", b"%d" % each) for each in range(4)))
    assert isinstance(house.engine, CompiledEngine)
    jobs, house.engine.counted = house.engine.jobs, []
    jobs[1].give_up()
    assert house.engine.given_up == [jobs[1].request.id]
    assert given(jobs, (1, 1, 1, 1), b"wxyz", {})
    tell(jobs)
    assert [job.settled for job in jobs] == [True] * 4
    assert house.engine.counted == [200] * 3
    tell(jobs)
    assert house.engine.counted == [200] * 3, "nobody is told twice"


@compiled
@in_loop
async def test_whoever_cannot_be_told_does_not_harm_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Transport):
        def write(self, data: bytes) -> None:
            if broken:
                raise OSError("no")
            super().write(data)

    broken, house, transports = False, CompiledHouse(), [Broken(), Transport()]
    assert isinstance(house.engine, CompiledEngine)
    house.warm()
    for transport in transports:
        house.connect(transport).data_received(ASK + b"ab")
    broken, jobs = True, house.engine.jobs
    assert given(jobs, (1, 1), b"xy", {})
    tell(jobs)
    assert transports[1].written.endswith(b"y")
    assert f"the answer to request {jobs[0].request.id} could not be handed over" in caplog.text


@compiled
@in_loop
async def test_nothing_is_left_of_a_request_that_was_answered() -> None:
    house = CompiledHouse()
    house.warm()

    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, Job) for each in gc.get_objects())

    before = alive()
    for _ in range(50):
        house.send(ASK + b"ab")
        house.engine.answer(Reply(b"ok"))
    assert alive() <= before + 1
    house.send(ASK + b"ab")
    house.connection.connection_lost(None)
    house.engine.asked.clear()
    house.engine.jobs.clear()  # type: ignore[attr-defined]
    assert alive() <= before + 1


# --- what is computed -----------------------------------------------------------------------------------

TIMES = st.lists(st.tuples(*[st.floats(0, 1e6)] * 2, st.booleans(), st.sampled_from("ab")), min_size=1, max_size=20)


@examples(TIMES, st.floats(0, 1e6), st.floats(0, 1e6))
def test_times_are_the_same(rows: list[tuple[float, float, bool, str]], idle_since: float, now: float) -> None:
    made: list[list[Any]] = []
    for marks, sums in ((mark, spent), (python.mark, python.spent)):
        jobs = []
        for created, _, failed, counted in rows:
            job = Job(Request("r"), lambda outcome: None, created, counted)
            job.error = ValueError() if failed else None
            jobs.append(job)
        marks(jobs, idle_since, now)
        made.append([[(job.met, job.taken, job.batch) for job in jobs], sums(jobs, now + 1)])
    assert made[0] == made[1]


def test_what_runs_in_python_alone_runs_without_anything_compiled() -> None:
    """The same tests of connections, queues and handlers, in a process that must not use what is compiled."""
    env = {**os.environ, "TSNB_PURE_PYTHON": "1"}
    said = subprocess.run(
        [sys.executable, "-c", "from tsnb.speedups import COMPILED; print(COMPILED)"],
        env=env, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == "False\n"
    files = ["tests/rest/test_lanes.py", "tests/engine/test_intake.py", "tests/engine/test_pure.py"]
    files += ["tests/rest/test_front_connections.py", "tests/engine/test_waits.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
