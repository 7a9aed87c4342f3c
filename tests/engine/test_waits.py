"""What a request waited for: an idle worker, or the others of its batch."""

import asyncio
import uuid

import pytest

from tests.engine.test_local import run
from tsnb.messages import Parameter, Request
from tsnb.rest.inference import server_timing

SLOW = """
    import time
    def handle(data, context):
        if data:
            time.sleep(float(data[0]["body"]))
        return [""] * len(data or [])
"""


async def timed(bench, body=b"0"):
    request = Request(str(uuid.uuid4()), {}, (Parameter("body", body),))
    return await bench.engine.predict("m", None, request, timed=True)


def test_a_window_is_waiting_for_the_batch(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", SLOW, yaml="batchSize: 3\nmaxBatchDelay: 300\nbatchPolicy: window")
            replies = await asyncio.gather(timed(b), timed(b))
            assert [reply.batch for reply in replies] == [2, 2]
            for reply in replies:
                assert reply.timings["batch"] == pytest.approx(0.3, abs=0.1)
                assert reply.timings["queue"] == pytest.approx(0, abs=0.05)
                assert reply.timings["total"] > reply.timings["batch"]

    run(scenario())


def test_a_busy_worker_is_waiting_in_the_queue(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", SLOW)
            first, second = await asyncio.gather(timed(b, b"0.3"), timed(b))
            for reply in (first, second):
                assert reply.timings.get("batch", 0) < 0.05
            assert second.timings["queue"] == pytest.approx(0.3, abs=0.1)
            assert second.batch == 1

    run(scenario())


def test_both_are_in_the_header():
    assert server_timing({"queue": 0.001, "batch": 0.0025}, 8) == 'queue;dur=1.000, batch;dur=2.500;desc="8"'
    assert server_timing({"queue": 0.001}, 8) == 'queue;dur=1.000, batch;desc="8"'
    assert server_timing({"queue": 0.001}) == "queue;dur=1.000"
