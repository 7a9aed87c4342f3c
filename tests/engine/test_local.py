"""The local engine with real worker processes: answers, batches, failures, scaling, and who dies with whom."""

import asyncio
import os
import signal

import psutil
import pytest

from tests.engine.conftest import until
from tsnb.engine.api import Registration, Stream
from tsnb.errors import (
    BadRequest,
    Conflict,
    HandlerFailed,
    InvalidModelVersion,
    ModelNotFound,
    ModelVersionNotFound,
    ServiceUnavailable,
    WorkerDied,
    WorkersFailed,
)
from tsnb.messages import Request

ECHO = """
    def handle(data, context):
        if data is None:
            return None
        return [bytes(row["body"]) for row in data]
"""

SIZES = """
    import time

    def handle(data, context):
        if data is None:
            return None
        time.sleep(0.05)
        return [len(data)] * len(data)
"""

WHO = """
    import os

    def handle(data, context):
        return [os.getpid()] * len(data or [])
"""


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 90))


def test_a_request_comes_back_answered(bench):
    async def scenario():
        async with bench() as b:
            scaled = await b.serve("echo", ECHO, workers=2)
            assert (scaled.name, scaled.version, scaled.running) == ("echo", "1.0", 2)
            assert (await b.ask("echo", b"hello")).body == b"hello"
            assert b.engine.healthy()
            status = b.engine.describe("echo")[0]
            assert status.default
            assert status.requests == 1
            assert all(worker.state == "ready" and worker.memory > 0 for worker in status.workers)

    run(scenario())


def test_waiting_requests_become_batches_and_a_lone_one_does_not_wait(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("sizes", SIZES, batch_size=8, max_batch_delay=60_000)
            assert (await b.ask("sizes")).body == b"1"
            replies = await asyncio.gather(*(b.ask("sizes") for _ in range(9)))
            assert sorted(int(reply.body) for reply in replies) == [1] + [8] * 8

    run(scenario())


def test_the_window_policy_waits_for_a_full_batch(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("sizes", SIZES, yaml="batchPolicy: window", batch_size=3, max_batch_delay=60_000)
            replies = await asyncio.gather(*(b.ask("sizes") for _ in range(3)))
            assert [int(reply.body) for reply in replies] == [3, 3, 3]

    run(scenario())


def test_a_failing_handler_fails_its_request_and_nobody_elses(bench):
    handler = """
        def handle(data, context):
            return [100 // int(row["body"]) for row in data or []]
    """

    async def scenario():
        async with bench() as b:
            await b.serve("divide", handler)
            with pytest.raises(HandlerFailed, match="Prediction failed") as caught:
                await b.ask("divide", b"0")
            failure = b.engine.failure(caught.value.request_id)
            assert failure.type == "ZeroDivisionError"
            assert failure.frames[-1].source == 'return [100 // int(row["body"]) for row in data or []]'
            assert (failure.model, failure.version) == ("divide", "1.0")
            assert (await b.ask("divide", b"5")).body == b"20"
            assert b.engine.describe("divide")[0].errors == 1

    run(scenario())


@pytest.mark.parametrize(
    ("handler", "type_name", "stage"),
    [
        ("import nonsense_module\ndef handle(d, c): pass", "ModuleNotFoundError", "import"),
        ("def handle(d, c:\n    pass", "SyntaxError", "import"),
        (
            "class H:\n  def initialize(self, c): raise ValueError('no weights')\n  def handle(self, d, c): return d",
            "ValueError",
            "initialize",
        ),
        ("import os\nos._exit(7)", "LoadFailed", "initialize"),
    ],
)
def test_a_model_that_cannot_load_says_why_and_is_gone_again(bench, handler, type_name, stage):
    async def scenario():
        async with bench() as b:
            await b.serve("echo", ECHO)
            with pytest.raises(WorkersFailed, match="Failed to start workers for model bad") as caught:
                await b.serve("bad", handler)
            assert caught.value.failure.type == type_name
            assert caught.value.failure.stage == stage
            assert b.engine.models() == ["echo"]
            assert (await b.ask("echo", b"still here")).body == b"still here"

    run(scenario())


def test_a_killed_worker_fails_only_what_it_held_and_comes_back(bench):
    handler = """
        import os, signal
        def handle(data, context):
            for row in data or []:
                if row["body"] == b"die":
                    os.kill(os.getpid(), signal.SIGKILL)
            return ["alive"] * len(data or [])
    """

    async def scenario():
        async with bench() as b:
            await b.serve("mortal", handler)
            first = b.workers("mortal")[0].pid
            dying = asyncio.create_task(b.ask("mortal", b"die"))
            await asyncio.sleep(0)
            waiting = asyncio.create_task(b.ask("mortal", b"wait"))
            with pytest.raises(WorkerDied, match=r"Worker died\.") as caught:
                await dying
            assert caught.value.status == 507
            assert "SIGKILL" in b.engine.failure(caught.value.request_id).message
            assert (await waiting).body == b"alive"
            worker = b.workers("mortal")[0]
            assert worker.pid != first
            assert worker.restarts == 1

    run(scenario())


def test_what_waited_at_a_killed_worker_is_done_by_the_next(bench, tmp_path):
    handler = f"""
        import os, signal, time
        def handle(data, context):
            if data and data[0]["body"] == b"die":
                while not os.path.exists({str(tmp_path / "now")!r}):
                    time.sleep(0.005)
                os.kill(os.getpid(), signal.SIGKILL)
            return [str(os.getpid())] * len(data or [])
    """

    async def scenario():
        async with bench() as b:
            await b.serve("mortal", handler)
            first = (await b.ask("mortal", b"quick")).body
            dying = asyncio.create_task(b.ask("mortal", b"die"))
            await asyncio.sleep(0)
            waiting = asyncio.create_task(b.ask("mortal", b"wait"))
            await asyncio.sleep(0)
            (model,) = b.engine._store.all()
            held = model.slots[0].handle.held
            assert [job.request.parameters[0].value for job in held] == [b"die", b"wait"], "sent ahead"
            (tmp_path / "now").touch()
            with pytest.raises(WorkerDied) as caught:
                await dying
            assert b.engine.failure(caught.value.request_id).request_ids == (caught.value.request_id,)
            assert (await waiting).body != first

    run(scenario())


def test_many_clients_of_a_quick_model_get_their_own_answers_from_batches_sent_ahead(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("echo", ECHO, batch_size=4)
            for turn in range(20):
                bodies = [b"%d-%d" % (turn, number) for number in range(64)]
                replies = await asyncio.gather(*(b.ask("echo", body) for body in bodies))
                assert [reply.body for reply in replies] == bodies

    run(scenario())


def test_a_worker_that_does_not_answer_in_time_is_killed_and_replaced(bench):
    handler = """
        import time
        def handle(data, context):
            for row in data or []:
                if row["body"] == b"sleep":
                    time.sleep(3600)
            return ["awake"] * len(data or [])
    """

    async def scenario():
        async with bench() as b:
            await b.serve("sleepy", handler, response_timeout=0.3)
            with pytest.raises(WorkerDied) as caught:
                await b.ask("sleepy", b"sleep")
            assert caught.value.status == 500
            failure = b.engine.failure(caught.value.request_id)
            assert failure.stage == "timeout"
            assert "0.3 s" in failure.message
            assert (await b.ask("sleepy", b"")).body == b"awake"

    run(scenario())


def test_scaling_up_and_down_loses_no_request(bench):
    async def scenario():
        async with bench(job_queue_size=1000) as b:
            await b.serve("sizes", SIZES)
            asked = [asyncio.create_task(b.ask("sizes")) for _ in range(60)]
            await b.engine.scale("sizes", None, 3, wait=True)
            assert len(b.workers("sizes")) == 3
            await b.engine.scale("sizes", None, 1)
            assert len(b.workers("sizes")) == 1
            replies = await asyncio.gather(*asked)
            assert {reply.status for reply in replies} == {200}

    run(scenario())


def test_scaling_to_nothing_sensible_is_refused(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("echo", ECHO)
            with pytest.raises(BadRequest, match="min_worker is -1"):
                await b.engine.scale("echo", None, -1)
            with pytest.raises(BadRequest, match="max_worker cannot be less than min_worker"):
                await b.engine.scale("echo", None, 3, 2)
            with pytest.raises(ModelNotFound):
                await b.engine.scale("nobody", None, 1)
            assert len(b.workers("echo")) == 1

    run(scenario())


def test_without_workers_a_request_is_refused_at_once(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("echo", ECHO, workers=0)
            with pytest.raises(ServiceUnavailable, match='Model "echo" has no worker'):
                await b.ask("echo")
            await b.engine.scale("echo", None, 1, wait=True)
            assert (await b.ask("echo", b"x")).body == b"x"

    run(scenario())


def test_a_full_queue_refuses_and_keeps_what_it_has(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("sizes", SIZES, yaml="jobQueueSize: 2")
            asked = [asyncio.create_task(b.ask("sizes")) for _ in range(4)]
            results = await asyncio.gather(*asked, return_exceptions=True)
            refused = [result for result in results if isinstance(result, ServiceUnavailable)]
            assert len(refused) == 1
            assert [result.status for result in results if result not in refused] == [200] * 3

    run(scenario())


def test_versions_live_side_by_side(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", "def handle(d, c): return ['one'] * len(d or [])", version="1.0")
            await b.serve("m", "def handle(d, c): return ['two'] * len(d or [])", version="2.0")
            assert (await b.ask("m")).body == b"one"
            assert (await b.ask("m", version="2.0")).body == b"two"
            with pytest.raises(ModelVersionNotFound):
                await b.ask("m", version="3.0")
            with pytest.raises(InvalidModelVersion):
                await b.engine.unregister("m")
            await b.engine.set_default("m", "2.0")
            assert (await b.ask("m")).body == b"two"
            await b.engine.unregister("m", "1.0")
            assert [status.spec.version for status in b.engine.describe("m", "all")] == ["2.0"]

    run(scenario())


def test_the_same_version_twice_is_a_conflict(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("echo", ECHO)
            with pytest.raises(Conflict, match=r"Model version 1\.0 is already registered for model echo"):
                await b.engine.register(Registration("echo-1.0"))
            assert (await b.ask("echo", b"x")).body == b"x"

    run(scenario())


def test_unregistering_stops_the_processes(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("who", WHO, workers=2)
            pids = [worker.pid for worker in b.workers("who")]
            await b.engine.unregister("who")
            await until(lambda: not any(map(psutil.pid_exists, pids)), "the end of the workers")
            with pytest.raises(ModelNotFound):
                await b.ask("who")

    run(scenario())


def test_an_answer_can_come_in_parts(bench):
    handler = """
        from ts.handler_utils.utils import send_intermediate_predict_response

        def handle(data, context):
            if data is None:
                return None
            for number in range(3):
                send_intermediate_predict_response([f"part {number}"], context.request_ids, "text", 200, context)
            return ["end"]
    """

    async def scenario():
        async with bench() as b:
            await b.serve("talk", handler)
            stream = await b.ask("talk")
            assert isinstance(stream, Stream)
            bodies = [stream.first.body] + [part.body async for part in stream.parts]
            assert bodies == [b"part 0", b"part 1", b"part 2", b"end"]

    run(scenario())


def test_what_a_worker_prints_is_kept(bench):
    handler = """
        import sys
        def handle(data, context):
            print("hello from", len(data or []))
            print("a warning", file=sys.stderr)
            return ["x"] * len(data or [])
    """

    async def scenario():
        async with bench() as b:
            await b.serve("loud", handler)
            await b.ask("loud")
            lines = await until(
                lambda: [line for line in b.engine.logs("loud") if line.text == "hello from 1"], "a printed line"
            )
            assert lines[0].stream == "stdout"
            await until(
                lambda: [line for line in b.engine.logs("loud") if line.stream == "stderr" and "warning" in line.text],
                "a line on stderr",
            )

    run(scenario())


def test_a_cancelled_request_is_never_run(bench):
    handler = """
        import time
        seen = []
        def handle(data, context):
            for row in data or []:
                seen.append(bytes(row["body"]).decode())
                time.sleep(0.1)
            return [seen] * len(data or [])
    """

    async def scenario():
        async with bench() as b:
            await b.serve("slow", handler)
            running = asyncio.create_task(b.ask("slow", b"first"))
            await asyncio.sleep(0)
            cancelled = asyncio.create_task(b.ask("slow", b"cancelled"))
            await asyncio.sleep(0)
            cancelled.cancel()
            await running
            assert b"cancelled" not in (await b.ask("slow", b"last")).body

    run(scenario())


def test_a_worker_survives_the_death_of_the_nursery(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("who", WHO)
            pid = b.workers("who")[0].pid
            os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
            await until(lambda: psutil.Process(pid).ppid() != os.getpid() or True, "nothing")
            assert int((await b.ask("who")).body) == pid
            await b.engine.scale("who", None, 2, wait=True)
            assert len(b.workers("who")) == 2
            assert b.workers("who")[0].pid == pid

    run(scenario())


def test_closing_is_bounded_even_when_a_handler_never_returns(bench):
    handler = """
        def handle(data, context):
            while data:
                pass
    """

    async def scenario():
        async with bench() as b:
            await b.serve("stuck", handler)
            pid = b.workers("stuck")[0].pid
            asked = asyncio.create_task(b.ask("stuck"))
            await until(lambda: b.engine.describe("stuck")[0].queued == 0, "the request reaching the worker")
            await b.engine.close(1.0)
            assert not psutil.pid_exists(pid)
            with pytest.raises(WorkerDied):
                await asked

    run(scenario())


def test_metrics_count_what_happened(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("echo", ECHO)
            await b.ask("echo", b"x")
            text = b.engine.metrics_text()
            assert 'ts_inference_requests_total{model_name="echo",model_version="default"' in text
            assert "WorkerLoadTime{" in text

    run(scenario())


def test_predicting_an_unknown_model(bench):
    async def scenario():
        async with bench() as b:
            with pytest.raises(ModelNotFound, match="Model not found: nobody"):
                await b.engine.predict("nobody", None, Request("id"))

    run(scenario())
