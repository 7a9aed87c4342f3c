"""What the panel is told by events: two moments compared, and a real server's event bus."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
from msgspec.structs import replace

from tsnb.jupyter.overview import totals
from tsnb.jupyter.watch import SCHEMA_ID, Watch, crashed, figures, shape
from tsnb.messages import Failure, ModelSpec, ModelStatus, WorkerStatus

READY = WorkerStatus("9000", "ready", pid=7)
DIED = replace(READY, state="stopped", restarts=1, failure=Failure("WorkerDied", "killed by SIGKILL", stage="exit"))


def status(*workers: WorkerStatus, **figures: Any) -> list[ModelStatus]:
    return [ModelStatus(ModelSpec("digits", "1.0", "/dir", "handler"), True, workers, **figures)]


def test_numbers_alone_do_not_change_the_shape() -> None:
    before, after = status(READY), status(replace(READY, requests=5, memory=9), requests=5)
    assert shape(before) == shape(after)
    assert figures(before) != figures(after)


def test_a_worker_that_dies_is_a_crash_once() -> None:
    assert [worker.id for _, worker in crashed(status(READY), status(DIED))] == ["9000"]
    back = replace(READY, pid=8, restarts=1)
    assert list(crashed(status(DIED), status(back))) == []
    assert list(crashed(status(back), status(back))) == []


def test_a_worker_that_is_given_up_is_a_crash() -> None:
    failed = replace(READY, state="failed")
    assert len(list(crashed(status(READY), status(failed)))) == 1
    assert list(crashed(status(failed), status(failed))) == []
    assert len(list(crashed([], status(failed)))) == 1


def test_workers_that_leave_are_no_crash() -> None:
    assert list(crashed(status(READY, replace(READY, id="9001")), status(READY))) == []
    assert list(crashed(status(READY), [])) == []


def test_totals_count_what_answers() -> None:
    found = totals(status(READY, DIED, queued=3))
    assert (found.ready, found.workers, found.queued) == (1, 2, 3)


class Moments:
    """An engine that is at the next moment whenever somebody looks."""

    def __init__(self, *moments: list[ModelStatus]) -> None:
        self._moments = list(moments)

    def models(self) -> list[str]:
        return ["digits"] if self._moments[0] else []

    def describe(self, name: str, version: str | None = None) -> list[ModelStatus]:
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]


async def test_the_watch_tells_what_happens_and_keeps_crashes(monkeypatch: Any) -> None:
    monkeypatch.setattr("tsnb.jupyter.watch.PACE", 0)
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    watch = Watch(told.put_nowait)
    watch.start(Moments(status(READY), status(READY), status(DIED), status(replace(READY, restarts=1))))  # type: ignore[arg-type]
    kinds = [(await asyncio.wait_for(told.get(), 20))["kind"] for _ in range(4)]
    assert kinds == ["models", "crash", "models", "models"]
    assert [crash.failure.message for crash in watch.crashes] == ["killed by SIGKILL"]
    await watch.stop()
    await watch.stop()


async def test_events_arrive_at_the_notebook_server_s_websocket(
    jp_ws_fetch: Any, fetch: Any, jp_serverapp: Any
) -> None:
    socket = await jp_ws_fetch("api", "events", "subscribe")
    made = await fetch("models", method="POST", params={"url": "echo.mar", "initial_workers": "1"})
    assert made.code == 200
    while True:
        event = json.loads(await asyncio.wait_for(socket.read_message(), 20))
        if event["schema_id"] == SCHEMA_ID:
            break
    assert event["kind"] == "models"
    assert msgspec.convert(event["totals"], dict) == {"ready": 1, "workers": 1, "queued": 0}
    socket.close()
