"""Models that are spread over several processes: a real torchrun, on the CPU."""

import json
import os
import signal
import socket

import psutil
import pytest

from tests.engine.conftest import until
from tests.engine.test_local import run
from tsnb import protocol
from tsnb.engine.job import Job
from tsnb.engine.lifecycle import with_lifecycle
from tsnb.engine.placement import capacity, room_for, spread, variable
from tsnb.engine.ranks import grouped
from tsnb.engine.torchrun import command
from tsnb.engine.worker_handle import WorkerHandle
from tsnb.errors import HandlerFailed, TsnbError, WorkersFailed
from tsnb.messages import ModelSpec, Parallelism, Request

SUM = """
    import os
    import torch
    import torch.distributed as dist

    class Handler:
        def initialize(self, context):
            if context.model_yaml_config.get("broken") and os.environ["RANK"] == "1":
                raise ValueError("rank 1 has no part")
            dist.init_process_group("gloo")

        def handle(self, data, context):
            number = torch.tensor(float(bytes(data[0]["body"])) + dist.get_rank())
            dist.all_reduce(number)
            if number < 0:
                raise ValueError("no")
            return [{"sum": number.item(), "world": dist.get_world_size(), "pid": os.getpid()}]
"""

TWO = """
    parallelType: tp
    torchrun:
      nproc-per-node: 2
      OMP_NUMBER_THREADS: 1
    startupTimeout: 90
"""


def test_every_rank_works_and_the_first_one_answers(shared):
    async def scenario(b):
        await b.serve("sum", SUM, yaml=TWO)
        told = json.loads((await b.ask("sum", b"5")).body)
        assert (told["sum"], told["world"]) == (11.0, 2)
        with pytest.raises(HandlerFailed, match="Prediction failed"):
            await b.ask("sum", b"-5")
        assert json.loads((await b.ask("sum", b"1")).body)["sum"] == 3.0
        worker = b.workers("sum")[0]
        ranks = [child.pid for child in psutil.Process(worker.pid).children()]
        assert told["pid"] in ranks
        (other,) = [pid for pid in ranks if pid != told["pid"]]
        os.kill(other, signal.SIGKILL)
        await until(lambda: b.workers("sum")[0].state == "ready" and b.workers("sum")[0].pid != worker.pid, "a new one")
        assert json.loads((await b.ask("sum", b"2")).body)["sum"] == 5.0
        last = psutil.Process(b.workers("sum")[0].pid)
        family = [last, *last.children()]
        await b.engine.unregister("sum")
        await until(lambda: not any(each.is_running() for each in family), "the end of every rank")

    shared(scenario)


def test_a_rank_that_cannot_load_says_why(shared):
    async def scenario(b):
        with pytest.raises(WorkersFailed) as caught:
            await b.serve("sum", SUM, yaml=TWO + "    broken: true\n")
        assert caught.value.failure.message == "rank 1 has no part"
        assert b.engine.models() == []

    shared(scenario)


def test_a_torchrun_that_does_not_start_is_told_with_what_it_printed(shared):
    async def scenario(b):
        with pytest.raises(WorkersFailed) as caught:
            await b.serve("sum", SUM, yaml=TWO.replace("OMP_NUMBER_THREADS: 1", "rdzv-backend: nonsense"))
        failure = caught.value.failure
        assert "torchrun ended with code 1 when 0 of 2 processes had begun" in failure.message
        assert "nonsense" in failure.output

    shared(scenario)


def test_one_process_can_see_several_devices(shared):
    async def scenario(b):
        await b.serve(
            "sees", "def handle(data, context):\n    return data and [1]", yaml="parallelType: custom\nparallelLevel: 2"
        )
        assert (await b.ask("sees")).body == b"1"

    shared(scenario)


@pytest.mark.parametrize("for_all", [True, False])
def test_in_a_pipeline_only_the_first_rank_is_given_batches(for_all):
    async def scenario():
        ignore = dict.fromkeys(("on_done", "on_unstarted", "on_metrics", "on_overdue"), lambda *_: None)
        handle = grouped(WorkerHandle, batches_for_all=for_all)(response_timeout=9, max_response_size=99, **ignore)
        ours, theirs = zip(*(socket.socketpair() for _ in range(2)), strict=True)
        await handle.connect(ours[0])
        await handle.join(ours[1:])
        handle.run([Job(Request("r"), lambda outcome: None, 0.0)])
        handle.stop()
        for sock, expected in zip(theirs, (["Batch", "Stop"], ["Batch", "Stop"] if for_all else ["Stop"]), strict=True):
            source = protocol.Source(sock)
            assert [type(source.read()[0]).__name__ for _ in expected] == expected
        handle.close()
        await handle.closed
        for sock in theirs:
            sock.close()

    run(scenario())


def test_workers_get_their_devices_in_turn():
    assert spread(4, "", (), 2, 0) == (0, 1)
    assert spread(4, "", (), 2, 1) == (2, 3)
    assert spread(4, "gpu", (3, 1, 2), 2, 1) == (2, 3)
    assert spread(4, "cpu", (), 2, 0) == spread(0, "", (), 2, 0) == ()
    assert capacity(4, "", (), 2) == 2
    assert capacity(1, "", (), 2) == 0
    assert capacity(4, "", (1, 3), 2) == 1
    assert capacity(0, "", (), 2) is None
    wants_two = ModelSpec("m", "1.0", ".", "h", parallelism=Parallelism("tp", 2))
    assert room_for(wants_two, 5, 3, 8) == (2, 2)
    assert room_for(wants_two, 1, 0, 0) == (0, 0)
    assert room_for(wants_two, 0, 3, 8) == (3, 8)
    with pytest.raises(TsnbError, match="wants 2 GPUs for each worker"):
        room_for(wants_two, 1, 1, 1)
    assert variable((0, 1), {}) == "0,1"
    assert variable((0, 1), {"CUDA_VISIBLE_DEVICES": "2, GPU-7"}) == "2,GPU-7"


def test_torchruns_options_come_from_the_model_config(tmp_path):
    said = {"parallelType": "pp", "torchrun": {"nnodes": 2, "x": 1}}
    assert with_lifecycle(ModelSpec("m", "1.0", ".", "h", model_config=said)).parallelism is None
    spec = with_lifecycle(ModelSpec("m", "1.0", ".", "h", model_config={**said, "parallelLevel": 1}))
    assert spec.parallelism == Parallelism("pp", 1, {"nnodes": 2, "x": 1})
    words = command(spec.parallelism, "9000", tmp_path)
    assert "--nnodes=2" in words
    assert "--nproc-per-node=1" in words
    assert "--rdzv-endpoint=localhost:0" in words
    assert not any("x=1" in word for word in words)
