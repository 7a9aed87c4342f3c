"""A request on its way through the nodes (spec 10.2), without any model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest
import yaml

from tsnb.archive.workflow_spec import Node, Spec, parse
from tsnb.engine.workflow_run import Parameters, run
from tsnb.errors import HandlerFailed, ModelNotFound, TsnbError
from tsnb.messages import Parameter

GIVEN = (Parameter("data", b"x"),)
DIAMOND = {"start": ["left", "right"], "left": ["end"], "right": ["end", "aside"]}


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @wraps(test)
    def run_it() -> None:
        asyncio.run(test())

    return run_it


def spec(dag: dict[str, list[str]], **settings: int) -> Spec:
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    return parse(yaml.safe_dump({"models": named, "dag": dag}, sort_keys=False).encode(), "w.yaml")


@in_a_loop
async def test_outputs_go_where_the_spec_says_under_the_right_names() -> None:
    seen: dict[str, list[tuple[str, bytes]]] = {}

    async def ask(node: Node, given: Parameters) -> bytes:
        seen[node.name] = [(each.name, bytes(each.value)) for each in given]
        return node.name.encode()

    assert await run(spec(DIAMOND), GIVEN, ask) == {"end": b"end", "aside": b"aside"}
    assert seen == {
        "start": [("data", b"x")],
        "left": [("body", b"start")],
        "right": [("body", b"start")],
        "end": [("left", b"left"), ("right", b"right")],
        "aside": [("body", b"right")],
    }


@in_a_loop
async def test_nodes_that_can_run_side_by_side_do() -> None:
    both = asyncio.Barrier(2)

    async def ask(node: Node, given: Parameters) -> bytes:
        if node.name in ("left", "right"):
            await asyncio.wait_for(both.wait(), 10)
        return b""

    await run(spec(DIAMOND), GIVEN, ask)


@in_a_loop
async def test_a_node_is_asked_again_as_often_as_it_says() -> None:
    asked: list[str] = []

    async def ask(node: Node, given: Parameters) -> bytes:
        asked.append(node.name)
        if len(asked) < 3:
            raise HandlerFailed("Prediction failed")
        return b"good"

    assert await run(spec({"a": []}, retry_attempts=3), GIVEN, ask) == {"a": b"good"}
    assert asked == ["a", "a", "a"]


@in_a_loop
async def test_a_node_that_takes_too_long_is_cancelled_and_asked_again() -> None:
    cancelled: list[str] = []

    async def ask(node: Node, given: Parameters) -> bytes:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(node.name)
            raise
        return b""

    with pytest.raises(TsnbError, match=r"^Error executing a$"):
        await run(spec({"a": []}, retry_attempts=2, timeout_ms=10), GIVEN, ask)
    assert cancelled == ["a", "a"]


@in_a_loop
async def test_the_first_failure_ends_it_and_cancels_the_others() -> None:
    cancelled = asyncio.Event()

    async def ask(node: Node, given: Parameters) -> bytes:
        if node.name == "left":
            raise HandlerFailed("Prediction failed")
        if node.name == "right":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise
        return b""

    with pytest.raises(TsnbError, match=r"^Error executing left$") as caught:
        await run(spec(DIAMOND), GIVEN, ask)
    assert caught.value.status == 500
    assert cancelled.is_set()


@in_a_loop
async def test_a_model_that_is_gone_is_not_asked_twice() -> None:
    asked: list[str] = []

    async def ask(node: Node, given: Parameters) -> bytes:
        asked.append(node.name)
        raise ModelNotFound("Model not found: w__a")

    with pytest.raises(TsnbError, match=r"^Error executing a: its model is gone\. Register the workflow again\.$"):
        await run(spec({"a": []}, retry_attempts=5), GIVEN, ask)
    assert asked == ["a"]


@in_a_loop
async def test_a_client_that_leaves_cancels_the_nodes() -> None:
    waiting, cancelled = asyncio.Event(), asyncio.Event()

    async def ask(node: Node, given: Parameters) -> bytes:
        waiting.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return b""

    task = asyncio.create_task(run(spec({"a": ["b"]}), GIVEN, ask))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
