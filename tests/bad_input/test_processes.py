"""Processes that end when nobody expects it, and many who want different things at the same moment."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.bad_input.conftest import DEADLINE, Rest, error, put, until
from tests.bad_input.handlers import body, model
from tests.notebook_server import NotebookServer

SLEEPER = body(
    "import os, time\nprint('asleep')\ntime.sleep(float(data[0]['body'].decode()))\nreturn [str(os.getpid())]"
)
PARENT = body("import subprocess\nreturn [str(subprocess.Popen(['sleep', '600']).pid)]")
SLOW_TO_FAIL = model("import time; time.sleep(1); raise RuntimeError('late')")
SLOW_TO_LOAD = model("import time; time.sleep(1)")
FLOOD = body("import time\nend = time.time() + 2\nwhile time.time() < end:\n    print('line of text')\nreturn ['x']")
CONNECTIONS = 16


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as pool:
        yield pool


def running(rest: Rest) -> set[int]:
    return {each.pid for each in rest.server.family() if each.status() != psutil.STATUS_ZOMBIE}


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pids(rest: Rest, name: str) -> list[int]:
    return [worker["pid"] for worker in rest.http.get(f"/models/{name}").json()[0]["workers"]]


def test_a_killed_worker_costs_the_requests_it_held_and_no_other(rest: Rest, threads: ThreadPoolExecutor) -> None:
    rest.put("sleeper", SLEEPER)
    assert rest.register("sleeper", initial_workers=2).status_code == 200
    answers: list[httpx.Response] = []
    enough = threading.Event()

    def load() -> None:
        with httpx.Client(base_url=rest.server.url, timeout=DEADLINE, trust_env=False) as http:
            while not enough.is_set():
                answers.append(http.post("/predictions/sleeper", content=b"0.02"))

    loads = [threads.submit(load) for _ in range(CONNECTIONS)]
    until(lambda: len(answers) > CONNECTIONS, "some answers")
    os.kill(pids(rest, "sleeper")[0], signal.SIGKILL)
    until(lambda: len({answer.text for answer in answers if answer.status_code == 200}) == 3, "a third worker")
    enough.set()
    for each in loads:
        each.result(DEADLINE)
    failed = [answer for answer in answers if answer.status_code != 200]
    assert [error(answer) for answer in failed] == [(507, "InternalServerException", "Worker died.")] * len(failed)
    assert len(failed) <= 1
    rest.is_well()
    rest.unregister("sleeper")


def test_only_one_of_many_simultaneous_registers_wins(rest: Rest, threads: ThreadPoolExecutor) -> None:
    rest.put("slow-to-load", SLOW_TO_LOAD)
    answers = list(threads.map(lambda _: rest.register("slow-to-load"), range(6)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    assert rest.predict("slow-to-load").status_code == 200
    rest.unregister("slow-to-load")


def test_a_name_that_was_given_away_while_its_model_loaded_stays_with_the_new_one(
    rest: Rest, threads: ThreadPoolExecutor
) -> None:
    rest.put("taken", SLOW_TO_FAIL)
    late = threads.submit(rest.register, "taken")
    until(lambda: "taken" in rest.names(), "the registration")
    rest.unregister("taken")
    assert rest.register("fine", model_name="taken").status_code == 200
    status, kind, _ = error(late.result(DEADLINE))
    assert (status, kind) in {(409, "ConflictStatusException"), (500, "InternalServerException")}
    assert rest.predict("taken").content == b"fine"
    rest.unregister("taken")


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_changes_ends_in_a_consistent_state(rest: Rest, threads: ThreadPoolExecutor, seed: int) -> None:
    before = running(rest)
    rest.put(f"storm-{seed}", SLEEPER)
    path = f"/models/storm-{seed}"
    chance = random.Random(seed)
    changes = [
        lambda: rest.register(f"storm-{seed}", initial_workers=2),
        lambda: rest.http.put(path, params={"min_worker": 3, "synchronous": "true"}),
        lambda: rest.http.put(path, params={"min_worker": 0, "synchronous": "true"}),
        lambda: rest.http.delete(path),
    ]
    answers = [threads.submit(chance.choice(changes)) for _ in range(30)]
    assert {answer.result(DEADLINE).status_code for answer in answers} <= {200, 202, 206, 404, 409}
    rest.http.delete(path)
    assert rest.register(f"storm-{seed}", initial_workers=2).status_code == 200
    assert rest.predict(f"storm-{seed}", b"0").status_code == 200
    rest.unregister(f"storm-{seed}")
    until(lambda: running(rest) <= before, "the end of all workers but those of other models")
    rest.is_well()


def test_scaling_away_a_worker_that_just_died_answers_what_it_held(rest: Rest, threads: ThreadPoolExecutor) -> None:
    rest.put("dying", SLEEPER)
    assert rest.register("dying").status_code == 200
    (pid,) = pids(rest, "dying")
    asked = threads.submit(rest.predict, "dying", b"600")
    until(lambda: "asleep" in rest.http.get("/-/logs/dying").text, "a request under way")
    os.kill(pid, signal.SIGKILL)
    rest.unregister("dying")
    assert error(asked.result(DEADLINE))[0] in (500, 503, 507)


def test_a_handler_that_floods_its_log_does_not_hold_up_the_others(rest: Rest, threads: ThreadPoolExecutor) -> None:
    rest.put("flood", FLOOD)
    assert rest.register("flood").status_code == 200
    flooding = threads.submit(rest.predict, "flood")
    until(lambda: "line of text" in rest.http.get("/-/logs/flood").text, "the flood")
    waited = []
    while not flooding.done():
        waited.append(rest.predict("fine").elapsed.total_seconds())
    assert flooding.result().status_code == 200
    assert sorted(waited)[len(waited) // 2] < 0.25
    assert len(rest.server.log) < 1_000_000
    rest.unregister("flood")


def test_what_a_handler_started_ends_with_its_worker(rest: Rest) -> None:
    rest.put("parent", PARENT)
    assert rest.register("parent").status_code == 200
    child = int(rest.predict("parent").content)
    assert not gone(child)
    rest.unregister("parent")
    until(lambda: gone(child), "the end of the handler's child")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Rest]:
    """A server to kill, with a worker that sleeps and one that has a child."""
    rest = Rest(tmp_path, OMP_NUM_THREADS="1", NOT_UNICODE="\udcff")
    try:
        for name, source in (("sleeper", SLEEPER), ("parent", PARENT)):
            rest.put(name, source)
            assert rest.register(name).status_code == 200
        yield rest
    finally:
        rest.http.close()
        rest.server.process.kill()
        rest.server.process.wait()


def test_a_killed_server_leaves_nothing(own: Rest) -> None:
    child = int(own.predict("parent").content)
    family = own.server.family()
    own.server.process.kill()
    assert own.server.ended(family) == -signal.SIGKILL
    until(lambda: gone(child), "the end of the handler's child")


def test_a_stopping_server_answers_what_it_has_begun(own: Rest, threads: ThreadPoolExecutor) -> None:
    asked = [threads.submit(own.predict, "sleeper", b"0.3") for _ in range(3)]
    until(lambda: own.http.get("/models/sleeper").json()[0]["jobQueueStatus"]["pendingRequests"] == 2, "two that wait")
    family = own.server.family()
    own.server.process.terminate()
    assert [each.result(DEADLINE).status_code for each in asked] == [200] * 3
    assert own.server.ended(family) == 0


def test_a_stopping_notebook_server_answers_what_its_workers_hold(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    put(tmp_path / "model_store", "sleeper", SLEEPER)
    raw = {"Content-Type": "application/octet-stream"}
    with NotebookServer(tmp_path) as server:
        assert server.request("POST", "tsnb/models?url=sleeper&initial_workers=1", b"")[0] == 200
        asked = [threads.submit(server.request, "POST", "tsnb/predictions/sleeper", b"0.5", **raw) for _ in range(3)]
        until(lambda: b"asleep" in server.request("GET", "tsnb/-/logs/sleeper")[1], "a request under way")
        family = psutil.Process(server.pid).children(recursive=True)
        os.kill(server.pid, signal.SIGTERM)
        answers = Counter(each.result(DEADLINE)[0] for each in asked)
    assert answers[200] >= 1
    assert set(answers) <= {200, 503}
    assert server.stopped_by_itself
    _, alive = psutil.wait_procs(family, 5)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
