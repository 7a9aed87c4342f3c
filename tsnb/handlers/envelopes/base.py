"""What every envelope does: unwrap the batch, call the handler, wrap the results."""

from __future__ import annotations

import copy
import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from tsnb.handlers.context import Context


class BaseEnvelope(ABC):
    """Stands between the server and a handler's entry point.

    ``parse_input`` and ``format_output`` belong to one batch: they may keep
    what they like in ``self``, which is a copy of its own for each.
    """

    def __init__(self, handle_fn: Callable[[Any, Context], Any]) -> None:
        self._handle_fn = handle_fn
        self.context: Any = None

    def handle(self, data: Any, context: Context) -> Any:
        """Answer a batch; an awaitable where the handler gives one."""
        batch = copy.copy(self)
        batch.context = context
        results = batch._handle_fn(batch.parse_input(data) if data else data, context)
        return batch._later(results) if inspect.isawaitable(results) else batch._wrapped(results)

    async def _later(self, results: Awaitable[Any]) -> Any:
        return self._wrapped(await results)

    def _wrapped(self, results: Any) -> Any:
        return self.format_output(results) if results else results

    @abstractmethod
    def parse_input(self, data: list[dict[str, Any]]) -> Any:
        """What the handler gets for the rows of a batch."""

    @abstractmethod
    def format_output(self, data: Any) -> list[Any]:
        """The answers, one per request, from what the handler returned."""


class Grouped(BaseEnvelope):
    """An envelope whose requests hold several items each; the handler gets the items of all requests in one list."""

    def __init__(self, handle_fn: Callable[[Any, Context], Any]) -> None:
        super().__init__(handle_fn)
        self._requests: list[dict[str, Any]] = []
        self._lengths: list[int] = []

    def parse_input(self, data: list[dict[str, Any]]) -> list[Any]:
        """The items of all requests, in order."""
        self._requests = [body(row) for row in data]
        items = [self.items(request) for request in self._requests]
        self._lengths = [len(found) for found in items]
        return [item for found in items for item in found]

    def format_output(self, data: list[Any]) -> list[Any]:
        """One answer per request, of the results for its items. Raises ValueError where they do not add up."""
        results = list(data)
        if len(self._lengths) == 1 and not self.counted:
            return [self.answer(0, results)]
        if len(results) != sum(self._lengths):
            raise ValueError(f"the handler returned {len(results)} results for {sum(self._lengths)} inputs")
        starts = [sum(self._lengths[:index]) for index in range(len(self._lengths))]
        return [
            self.answer(index, results[start : start + length])
            for index, (start, length) in enumerate(zip(starts, self._lengths, strict=True))
        ]

    counted = True
    """Whether a lone request must get as many results as it has items, too."""

    @abstractmethod
    def items(self, request: dict[str, Any]) -> list[Any]:
        """The items of one request. Raises ValueError where it has none."""

    @abstractmethod
    def answer(self, index: int, results: list[Any]) -> Any:
        """The answer to the request of this number from the results for its items."""


def body(row: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of a request, parsed if nobody did, or the row itself. Raises ValueError for anything else."""
    found = row.get("data") or row.get("body")
    if found is None and not {"data", "body"} & set(row):
        found = row
    if isinstance(found, (bytes, bytearray, str)):
        found = json.loads(found)
    if not isinstance(found, dict):
        raise ValueError(f"the envelope must be a JSON object, not {type(found).__name__}")
    return found


def listed(request: dict[str, Any], name: str) -> list[Any]:
    """The list under this name in an envelope. Raises ValueError where there is none."""
    found = request.get(name)
    if not isinstance(found, list):
        raise ValueError(f'the envelope must hold {{"{name}": [...]}}; it holds {", ".join(request) or "nothing"}')
    return found
