"""One request on its way through the nodes of a workflow (spec 10.2). Knows no model: it is told how to ask a node."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from tsnb.archive.workflow_spec import Node, Spec
from tsnb.engine.api import Stream
from tsnb.errors import NotFound, ServiceUnavailable, TsnbError
from tsnb.messages import Parameter, Reply

Parameters: TypeAlias = tuple[Parameter, ...]
Ask: TypeAlias = Callable[[Node, Parameters], Awaitable[bytes]]
"""Runs a node on its input."""


async def run(spec: Spec, given: Parameters, ask: Ask) -> dict[str, bytes]:
    """The output of every leaf. Nodes run as soon as their input is there, those that can side by side.

    Raises TsnbError with the failure of the first node that fails for good; the others are cancelled.
    """
    tasks: dict[str, asyncio.Task[bytes]] = {}

    async def work(node: Node) -> bytes:
        outputs = {name: await asyncio.shield(tasks[name]) for name in node.before}
        return await _answer(node, _input(outputs) if outputs else given, ask)

    try:
        async with asyncio.TaskGroup() as group:
            for node in spec.nodes:
                tasks[node.name] = group.create_task(work(node))
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    return {name: tasks[name].result() for name in spec.leaves}


async def whole(answer: Reply | Stream) -> bytes:
    """An answer's body; one that comes in parts is joined."""
    if isinstance(answer, Reply):
        return bytes(answer.body)
    found = bytearray(answer.first.body)
    try:
        async for part in answer.parts:
            found += part.body
    finally:
        close = getattr(answer.parts, "aclose", None)
        if close is not None:
            await close()
    return bytes(found)


def _input(outputs: Mapping[str, bytes]) -> Parameters:
    """One output becomes ``body``; several are named after the nodes they come from."""
    if len(outputs) == 1:
        return tuple(Parameter("body", value) for value in outputs.values())
    return tuple(Parameter(name, value) for name, value in outputs.items())


async def _answer(node: Node, given: Parameters, ask: Ask) -> bytes:
    """Ask a node, again where it fails or takes too long, as often as its settings say."""
    last = TsnbError(f"Error executing {node.name}")
    for _ in range(node.settings.retry_attempts):
        try:
            async with asyncio.timeout(node.settings.timeout_ms / 1000):
                return await ask(node, given)
        except NotFound as error:
            raise TsnbError(f"Error executing {node.name}: its model is gone. Register the workflow again.") from error
        except ServiceUnavailable as error:  # it says itself what is missing: a worker, or room in the queue
            last = TsnbError(error.message)
        except TsnbError as error:
            last = TsnbError(f"Error executing {node.name}", failure=error.failure)
        except TimeoutError:
            last = TsnbError(f"Error executing {node.name}")
    raise last


def _first(errors: BaseException) -> BaseException:
    """What went wrong first; what followed from it came later."""
    return _first(errors.exceptions[0]) if isinstance(errors, BaseExceptionGroup) else errors
