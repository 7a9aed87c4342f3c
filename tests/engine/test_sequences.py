"""Waiting lines by sequence, without processes; time is an argument."""

import pytest

from tsnb.engine.job import Job
from tsnb.engine.lifecycle import lifecycle
from tsnb.engine.sequences import SequenceQueue
from tsnb.errors import InvalidModel
from tsnb.messages import Parallelism, Request, Sequencing

A, B = object(), object()


def job(word, now=0.0):
    return Job(Request(word, {"seq": word.rstrip("0123456789")}), lambda outcome: None, now)


def queue(overlap=False, **rules):
    rules = {"max_idle": 1000, "max_open": 2, "queue_size": 2} | rules
    return SequenceQueue(Sequencing(**rules), lambda job: job.request.headers["seq"], overlap=overlap)


def ids(jobs):
    return [job.request.id for job in jobs]


def test_one_job_of_each_sequence_runs_at_a_time_on_the_worker_it_is_bound_to():
    q = queue()
    jobs = {word: job(word) for word in ("a1", "a2", "b1")}
    assert all(q.put(each) for each in jobs.values())
    assert ids(q.take_for(A, 1)) == ["a1"]
    assert ids(q.take_for(B, 8)) == ["b1"]
    assert q.take_for(A, 8) == []
    q.finished(jobs["a1"], 1.0)
    assert q.take_for(B, 8) == []
    assert ids(q.take_for(A, 8)) == ["a2"]


def test_in_steps_several_jobs_of_a_sequence_run_at_once():
    q = queue(overlap=True)
    assert q.put(job("a1"))
    assert q.put(job("a2"))
    assert ids(q.take_for(A, 8)) == ["a1"]
    assert ids(q.take_for(A, 8)) == ["a2"]


def test_new_sequences_are_shared_among_idle_workers():
    q = queue(max_open=4)
    for word in ("a1", "b1", "c1"):
        assert q.put(job(word))
    assert len(q.take_for(A, 8, idle=2)) == 2
    assert len(q.take_for(B, 8, idle=1)) == 1


def test_a_line_that_is_full_and_a_sequence_too_many_are_refused():
    q = queue()
    assert q.put(job("a1"))
    assert q.put(job("a2"))
    assert not q.put(job("a3"))
    assert q.put(job("b1"))
    assert not q.put(job("c1"))
    assert len(q) == 3
    assert q.remaining == 1


def test_idle_sequences_make_room_and_busy_ones_do_not():
    q = queue(max_open=1)
    first = job("a1", 0.0)
    assert q.put(first)
    assert not q.put(job("b1", 5.0)), "it waits"
    q.take_for(A, 1)
    assert not q.put(job("b1", 5.0)), "it runs"
    q.finished(first, 6.0)
    assert not q.put(job("b1", 6.5)), "it is not idle for long"
    assert q.open(6.9) == ["a"]
    assert q.put(job("b1", 7.0))
    assert q.open(7.0) == ["b"]


def test_a_sequence_that_is_too_old_begins_anew():
    q = queue(timeout=2000)
    first = job("a1", 0.0)
    assert q.put(first)
    assert q.take_for(A, 1)
    assert all(q.put(each) for each in (job("a2", 1.9), job("a3", 2.5))), "the old one's job is still answered"
    q.finished(first, 3.0)
    assert ids(q.take_for(A, 1)) == ["a2"]
    assert q.open(4.0) == ["a"], "it began at 2.5"


def test_a_handler_ends_a_sequence_when_what_runs_in_it_is_done():
    q = queue(max_open=1)
    first = job("a1")
    assert q.put(first)
    assert q.take_for(A, 1)
    q.end("a", 1.0)
    assert not q.put(job("b1", 1.0))
    q.finished(first, 1.0)
    assert q.put(job("b1", 1.0))
    q.end("unknown", 1.0)


def test_a_job_of_no_sequence_takes_nobodys_place():
    q = queue(max_open=1)
    describe = Job(Request("d", {"seq": ""}), lambda outcome: None, 0.0)
    assert q.put(job("a1"))
    assert q.put(describe)
    assert ids(q.take_for(A, 8)) == ["a1", "d"]
    q.finished(describe, 0.0)
    assert q.open(0.0) == ["a"]


def test_a_worker_that_leaves_gives_its_sequences_to_others():
    q = queue()
    assert q.put(job("a1"))
    assert q.put(job("a2"))
    first = q.take_for(A, 1)[0]
    q.release(A)
    assert q.bound(A) == 0
    assert q.take_for(B, 8) == [], "the first one still runs"
    q.finished(first, 0.0)
    assert ids(q.take_for(B, 8)) == ["a2"]


def test_taken_jobs_go_back_to_the_head_and_gone_ones_leave():
    q = queue()
    second = job("a2", 1.0)
    assert q.put(job("a1"))
    assert q.put(second)
    q.put_back(q.take_for(A, 1))
    q.remove(second)
    q.remove(job("b1"))
    assert q.oldest() == 0.0
    assert ids(q.drain()) == ["a1"]
    assert len(q) == 0
    assert q.oldest() is None


def test_the_keys_of_model_config():
    found = lifecycle(
        {
            "sequenceBatching": True,
            "sequenceMaxIdleMSec": 2000,
            "sequenceTimeoutMSec": 60000,
            "maxNumSequence": 4,
            "maxSequenceJobQueueSize": 3,
            "continuousBatching": True,
            "useJobTicket": "yes",
            "parallelType": "tp",
            "parallelLevel": 1,
            "torchrun": {"nproc-per-node": 4, "rdzv-backend": "c10d"},
        }
    )
    assert found.sequencing == Sequencing(2000, 60000, 4, 3)
    assert found.continuous
    assert not found.job_tickets
    assert not found.concurrent
    assert not found.use_venv
    assert found.parallelism == Parallelism("tp", 4, {"nproc-per-node": 4, "rdzv-backend": "c10d"})
    plain = lifecycle({"parallelLevel": 2, "sequenceMaxIdleMSec": 5})
    assert plain.parallelism is None
    assert plain.sequencing is None
    assert lifecycle({"parallelType": "quantum", "torchrun": 3}).parallelism is None


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ({"sequenceBatching": True}, "needs sequenceMaxIdleMSec"),
        ({"sequenceBatching": True, "sequenceMaxIdleMSec": 0}, "needs sequenceMaxIdleMSec"),
        ({"continuousBatching": True, "asyncCommunication": True}, "exclude each other"),
    ],
)
def test_keys_that_cannot_work_are_refused(yaml, said):
    with pytest.raises(InvalidModel, match=said):
        lifecycle(yaml)
