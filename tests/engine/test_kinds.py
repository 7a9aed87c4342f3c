"""Stateful, continuous and asynchronous models and job tickets, with real workers."""

import asyncio
import json
import os
import signal
import uuid

import psutil
import pytest

from tests.engine.conftest import until
from tests.engine.lifecycle_handlers import ASYNC, SEQUENCES, STEPS
from tests.engine.test_local import run
from tsnb.engine.api import Registration, Stream
from tsnb.errors import HandlerFailed, InvalidModel, RequestTimeout, ServiceUnavailable
from tsnb.messages import Parameter, Request, Revision

STATEFUL = """
    sequenceBatching: true
    sequenceMaxIdleMSec: 60000
    maxNumSequence: 3
    maxSequenceJobQueueSize: 2
    batchSize: 4
"""


def asked(word, **headers):
    return Request(str(uuid.uuid4()), headers, (Parameter("body", word.encode()),))


async def tell(bench, model, word, sequence=None, **headers):
    """One prediction of a stateful model; its reply."""
    headers |= {"ts_request_sequence_id": sequence} if sequence else {}
    return await bench.engine.predict(model, None, asked(word, **headers))


async def text(outcome):
    """All of an answer, and in how many parts it came."""
    if not isinstance(outcome, Stream):
        return outcome.body.decode(), 1
    parts = [outcome.first.body, *[part.body async for part in outcome.parts]]
    return b"".join(parts).decode(), len(parts)


# --- sequences ------------------------------------------------------------------------------------


def test_a_sequence_keeps_its_worker_its_order_and_its_state(shared):
    async def scenario(b):
        await b.serve("chat", SEQUENCES, yaml=STATEFUL, workers=2)
        first, second = await asyncio.gather(tell(b, "chat", "sleep0.3", "a"), tell(b, "chat", "sleep0.3", "b"))
        pids = {json.loads(reply.body)["pid"] for reply in (first, second)}
        assert len(pids) == 2, "new sequences are shared among the workers"
        more = await asyncio.gather(tell(b, "chat", "2", "a"), tell(b, "chat", "3", "a"), tell(b, "chat", "x", "b"))
        told = [json.loads(reply.body) for reply in more]
        assert told[1]["words"] == ["sleep0.3", "2", "3"]
        assert told[1]["pid"] == told[0]["pid"] == json.loads(first.body)["pid"]
        assert told[2]["words"] == ["sleep0.3", "x"]
        assert more[1].headers["ts_request_sequence_id"] == "a"

    shared(scenario)


def test_a_request_without_a_sequence_begins_one(shared):
    async def scenario(b):
        await b.serve("chat", SEQUENCES, yaml=STATEFUL)
        reply = await tell(b, "chat", "hello")
        name = reply.headers["ts_request_sequence_id"]
        assert name.startswith("ts-seq-")
        assert json.loads(reply.body)["start"] == "true"
        again = await tell(b, "chat", "again", None, **{"TS-Request_Sequence_ID".replace("-", "_"): name})
        assert json.loads(again.body)["words"] == ["hello", "again"], "whatever the header's case"

    shared(scenario)


def test_sequences_are_bounded_and_end(shared):
    yaml = STATEFUL.replace("maxNumSequence: 3", "maxNumSequence: 1").replace("60000", "500")

    async def scenario(b):
        await b.serve("chat", SEQUENCES, yaml=yaml)
        running = asyncio.create_task(tell(b, "chat", "sleep0.3", "a"))
        await until(lambda: b.engine.describe("chat")[0].queued == 0 and b.workers("chat"), "the start")
        waiting = [asyncio.create_task(tell(b, "chat", word, "a")) for word in ("1", "2")]
        await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailable, match="exceeds maxSequenceJobQueueSize"):
            await tell(b, "chat", "3", "a")
        with pytest.raises(ServiceUnavailable, match="If this is a sequence inference"):
            await tell(b, "chat", "1", "b")
        await asyncio.gather(running, *waiting)
        assert json.loads((await tell(b, "chat", "end", "a")).body)["words"] == ["sleep0.3", "1", "2", "end"]
        await tell(b, "chat", "1", "b")  # the handler has ended the other one
        end = asyncio.get_running_loop().time() + 30

        async def makes_room():
            try:
                return await tell(b, "chat", "1", "c")
            except ServiceUnavailable:
                assert asyncio.get_running_loop().time() < end
                return None

        while await makes_room() is None:  # until the second one was idle for half a second
            await asyncio.sleep(0.05)

    shared(scenario)


def test_a_sequence_outlives_its_worker_and_finds_another(shared):
    async def scenario(b):
        await b.serve("chat", SEQUENCES, yaml=STATEFUL, workers=2)
        pid = json.loads((await tell(b, "chat", "1", "a")).body)["pid"]
        os.kill(pid, signal.SIGKILL)
        await until(lambda: pid not in {worker.pid for worker in b.workers("chat")}, "the end of the worker")
        after = json.loads((await tell(b, "chat", "2", "a")).body)
        assert after["words"] == ["2"]
        assert after["pid"] != pid
        await b.engine.scale("chat", None, 1, wait=True)
        left = b.workers("chat")[0].pid
        assert json.loads((await tell(b, "chat", "3", "a")).body)["pid"] == left

    shared(scenario)


def test_new_code_takes_over_the_sequences_and_is_not_tried_with_recorded_ones(shared):
    async def scenario(b):
        await b.serve("chat", SEQUENCES, yaml=STATEFUL)
        await tell(b, "chat", "1", "a")
        source = (b.store / "chat-1.0" / "handler.py").read_text()
        swapped = await b.engine.swap("chat", None, Revision({"handler.py": source + "\n"}))
        assert swapped.checked == 0
        assert json.loads((await tell(b, "chat", "2", "a")).body)["words"] == ["2"]

    shared(scenario)


def test_the_names_of_the_headers_are_settings(bench):
    async def scenario():
        async with bench(ts_header_key_sequence_id="X-Session", ts_header_key_sequence_end="X-Bye") as b:
            await b.serve("chat", SEQUENCES, yaml=STATEFUL)
            reply = await b.engine.predict("chat", None, asked("1", **{"X-Session": "s"}))
            assert reply.headers["X-Session"] == "s"
            ended = await b.engine.predict("chat", None, asked("end", **{"X-Session": "s"}))
            assert ended.headers["X-Bye"] == "s"

    run(scenario())


def test_a_stateful_model_needs_its_idle_time(shared):
    async def scenario(b):
        url = b.put("chat", SEQUENCES, yaml="sequenceBatching: true")
        with pytest.raises(InvalidModel, match="sequenceMaxIdleMSec"):
            await b.engine.register(Registration(url, initial_workers=1))
        assert b.engine.models() == []

    shared(scenario)


# --- steps ----------------------------------------------------------------------------------------


def test_requests_join_and_leave_between_steps(shared):
    async def scenario(b):
        await b.serve("steps", STEPS, yaml="continuousBatching: true\nbatchSize: 2")
        outcomes = await asyncio.gather(*(b.ask("steps", word) for word in (b"w 40", b"w 3", b"w 3", b"plain 1")))
        assert isinstance(outcomes[0], Stream)
        assert outcomes[0].first.headers["ts_stream_next"] == "true"
        told = await asyncio.gather(*map(text, outcomes))
        assert told[0][1] == 40
        assert told[0][0].split()[-1].startswith("40/")
        assert told[1] == ("1/2 2/2 3/2 ", 3)
        assert told[2] == ("1/2 2/2 3/2 ", 3)
        assert told[3] == ("1/2 ", 1), "a criterion of None is a plain answer"
        status = b.engine.describe("steps")[0]
        assert (status.requests, status.errors) == (4, 0)

    shared(scenario)


def test_a_failing_step_fails_those_who_were_in_it_and_nobody_else(shared):
    async def scenario(b):
        await b.serve("steps", STEPS, yaml="continuousBatching: true\nbatchSize: 2")
        stream = await b.ask("steps", b"fail 3")
        with pytest.raises(HandlerFailed, match="Prediction failed"):
            await text(stream)
        with pytest.raises(HandlerFailed, match="Prediction failed"):
            await b.ask("steps", b"fail 1")
        assert (await text(await b.ask("steps", b"w 2")))[1] == 2

    shared(scenario)


def test_a_request_without_a_client_leaves_at_the_next_step(shared):
    async def scenario(b):
        await b.serve("steps", STEPS, yaml="continuousBatching: true\nbatchSize: 1")
        endless = await b.ask("steps", b"w 1000000000")
        await endless.parts.aclose()
        assert (await text(await b.ask("steps", b"w 2")))[0] == "1/1 2/1 "
        slow = await b.ask("steps", b"w 1000000000")  # nobody reads: it is stopped before it fills the memory
        assert (await text(await b.ask("steps", b"w 2")))[0] == "1/1 2/1 "
        with pytest.raises(ServiceUnavailable, match="too slowly"):
            await text(slow)

    shared(scenario)


def test_a_worker_that_leaves_finishes_its_streams(shared):
    async def scenario(b):
        await b.serve("steps", STEPS, yaml="continuousBatching: true\nbatchSize: 2")
        stream = await b.ask("steps", b"w 200")
        await b.engine.scale("steps", None, 0)
        assert (await text(stream))[1] == 200

    shared(scenario)


def test_a_worker_that_dies_in_a_step_fails_its_streams(shared):
    async def scenario(b):
        await b.serve("steps", STEPS, yaml="continuousBatching: true\nbatchSize: 1")
        stream = await b.ask("steps", b"w 1000000000")
        waiting = asyncio.create_task(b.ask("steps", b"w 2"))
        os.kill(b.workers("steps")[0].pid, signal.SIGKILL)
        with pytest.raises(Exception, match="Worker died"):
            await text(stream)
        assert (await text(await waiting))[1] == 2, "who only waited is answered by the next worker"

    shared(scenario)


def test_sequences_in_steps(shared):
    handler = """
        class Handler:
            def initialize(self, context):
                self.steps = {}

            def handle(self, data, context):
                criteria, answers = [], []
                for index in range(len(data)):
                    id = context.get_request_id(index)
                    name = context.get_sequence_id(index)
                    self.steps[id] = self.steps.get(id, 0) + 1
                    if self.steps[id] == 3:
                        context.set_response_header(index, context.header_key_sequence_end, name)
                    criteria.append(lambda answer, id=id: self.steps[id] == 3)
                    answers.append(name)
                context.stopping_criteria = criteria
                return answers
    """
    yaml = STATEFUL.replace("maxNumSequence: 3", "maxNumSequence: 1") + "    continuousBatching: true\n"

    async def scenario(b):
        await b.serve("both", handler, yaml=yaml)
        for name in ("a", "b"):  # the first one has ended itself
            outcomes = await asyncio.gather(tell(b, "both", "1", name), tell(b, "both", "2", name))
            assert [await text(outcome) for outcome in outcomes] == [(name * 3, 3)] * 2

    shared(scenario)


# --- asynchronous handlers ------------------------------------------------------------------------


def test_an_asynchronous_handler_works_on_many_requests_at_once(shared):
    async def scenario(b):
        await b.serve("wait", ASYNC, yaml="asyncCommunication: true")
        waiting = [asyncio.create_task(b.ask("wait", b"wait")) for _ in range(20)]

        async def state():
            return json.loads((await b.ask("wait", b"state")).body)

        while (await state())["running"] < 20:
            await asyncio.sleep(0.01)
        with pytest.raises(HandlerFailed, match="Prediction failed"):
            await b.ask("wait", b"fail")
        with pytest.raises(HandlerFailed, match="short and stout") as caught:
            await b.ask("wait", b"teapot")
        assert caught.value.status == 418
        await b.ask("wait", b"open")
        replies = await asyncio.gather(*waiting)
        assert len({reply.body for reply in replies}) == 20, "each its own request id"
        status = b.engine.describe("wait")[0]
        assert status.errors == 2
        assert status.queued == 0

    shared(scenario)


def test_what_nobody_waits_for_is_cancelled(shared):
    async def scenario(b):
        await b.serve("wait", ASYNC, yaml="asyncCommunication: true")
        task = asyncio.create_task(b.ask("wait", b"wait"))
        stream = await b.ask("wait", b"stream")

        async def cancelled(count):
            while json.loads((await b.ask("wait", b"state")).body)["cancelled"] < count:
                await asyncio.sleep(0.01)

        while json.loads((await b.ask("wait", b"state")).body)["running"] < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await cancelled(1)
        await stream.parts.aclose()
        await cancelled(2)
        early = asyncio.create_task(b.ask("wait", b"wait"))  # cancelled before the handler sees it
        await asyncio.sleep(0)
        early.cancel()
        assert b.engine.describe("wait")[0].errors == 0
        pid = b.workers("wait")[0].pid
        await b.engine.scale("wait", None, 0)
        await until(lambda: not psutil.pid_exists(pid), "the end of a worker that holds nothing")

    shared(scenario)


def test_asynchronous_streams_run_side_by_side(shared):
    async def scenario(b):
        await b.serve("wait", ASYNC, yaml="asyncCommunication: true")
        streams = [await b.ask("wait", b"stream") for _ in range(3)]
        assert [stream.first.body for stream in streams] == [b"a"] * 3
        await b.ask("wait", b"open")
        told = [await text(stream) for stream in streams]
        assert [parts for _, parts in told] == [3] * 3
        assert told[0][0].startswith("abstream ")

    shared(scenario)


def test_one_overdue_request_ends_the_worker_and_what_it_holds(shared):
    async def scenario(b):
        await b.serve("wait", ASYNC, yaml="asyncCommunication: true\nresponseTimeout: 1")
        results = await asyncio.gather(*(b.ask("wait", b"wait") for _ in range(3)), return_exceptions=True)
        assert [str(each) for each in results] == ["Worker died."] * 3
        assert (await b.ask("wait", b"open")).status == 200

    shared(scenario)


def test_an_asynchronous_worker_that_leaves_finishes_what_it_holds(shared):
    async def scenario(b):
        await b.serve("wait", ASYNC, yaml="asyncCommunication: true")
        stream = await b.ask("wait", b"stream")
        await b.ask("wait", b"open")
        await b.engine.scale("wait", None, 0)
        assert (await text(stream))[1] == 3

    shared(scenario)


# --- tickets, time-outs, lonely requests ----------------------------------------------------------

SLEEPY = """
    import time

    def handle(data, context):
        for row in data or []:
            time.sleep(float(bytes(row.get("body", b"0"))))
        return [f"{len(data or [])} {context.get_request_header(0, 'explain') if data else ''}"] * len(data or [])
"""


def test_without_a_ticket_a_request_is_refused_at_once(shared):
    async def scenario(b):
        await b.serve("busy", SLEEPY, yaml="useJobTicket: true")
        running = asyncio.create_task(b.ask("busy", b"0.5"))
        await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailable, match="has no worker to serve"):
            await b.ask("busy", b"0")
        await running
        assert (await b.ask("busy", b"0")).status == 200

    shared(scenario)


def test_a_client_waits_no_longer_than_its_time_out(shared):
    async def scenario(b):
        await b.serve("busy", SLEEPY, yaml="clientTimeoutInMills: 300")
        running = asyncio.create_task(b.ask("busy", b"1"))
        await asyncio.sleep(0)
        with pytest.raises(RequestTimeout, match=r"No worker took the request within 300 ms \(clientTimeoutInM"):
            await b.ask("busy", b"0")
        with pytest.raises(RequestTimeout, match="The handler did not answer within 300 ms"):
            await running
        await until(lambda: b.engine.describe("busy")[0].requests == 1, "the end of the first one")
        assert (await b.ask("busy", b"0")).body == b"1 None"

    shared(scenario)


def test_explanations_and_descriptions_have_a_batch_for_themselves(shared):
    async def scenario(b):
        await b.serve("busy", SLEEPY, batch_size=8)
        first = asyncio.create_task(b.ask("busy", b"0.3"))
        await asyncio.sleep(0)
        headers = [{}, {}, {"explain": "True"}, {}, {"describe": "True"}, {}]
        rest = [b.engine.predict("busy", None, asked("0", **each)) for each in headers]
        bodies = [reply.body for reply in await asyncio.gather(*rest)]
        assert (await first).body == b"1 None"
        assert bodies == [b"2 None", b"2 None", b"1 True", b"1 None", b"1 None", b"1 None"]

    shared(scenario)
