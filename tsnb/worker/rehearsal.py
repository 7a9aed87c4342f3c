"""The same model and the same requests without a server: in the notebook's kernel, where a debugger can look on.

Loading, decoding, the call and encoding are those of :class:`~tsnb.worker.model.Model`;
only what the handler raises is not turned into a reply.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import time
import types
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from tsnb import protocol
from tsnb.messages import Frame, Reply, Request
from tsnb.protocol import Buffer, Load, Message, Result
from tsnb.worker.failures import where_returned
from tsnb.worker.loader import load
from tsnb.worker.model import InvalidAnswer, Model
from tsnb.worker.output import Tail
from tsnb.worker.values import Unserialisable


class Rehearsal(Model):
    """A model in this process. Working folder, import path and modules are the caller's to set and to restore."""

    def __init__(self, order: Load) -> None:
        super().__init__(order, Tail(), self._take_part)
        self._parts: list[Buffer] = []

    def prepare(self) -> None:
        """Load the model. Raises whatever the handler raises."""
        self.context.metrics.set_request_ids(str(uuid.uuid4()))
        self._entry = load(self._order, self.context, self._stages)

    def run(self, request: Request) -> Reply:
        """Answer one request, with the seconds of each stage. Raises whatever the handler raises."""
        self._stages.clear()
        self._parts.clear()
        start = time.perf_counter()
        message, bodies = protocol.batch(0, [request])
        try:
            answer, made = self._result(message, b"".join(bodies))
        finally:
            self.context.stream = None
        timings = {**self._stages.seconds, "total": time.perf_counter() - start}
        assert isinstance(answer, Result)  # noqa: S101 (the only message with answers)
        (reply,) = protocol.replies(answer, b"".join(made))
        return msgspec.structs.replace(reply, body=b"".join([*self._parts, reply.body]), timings=timings)

    def _call(self, data: list[dict[str, Any]]) -> Any:
        """A kernel's event loop runs already; an asynchronous handler gets one of its own beside it."""
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return super()._call(data)
        finally:
            asyncio._set_running_loop(outer)

    def _take_part(self, message: Message, bodies: list[Buffer]) -> None:
        """A part of a streamed answer."""
        self._parts += bodies

    @property
    def handler(self) -> Any:
        """The object that answers: the handler's instance, the module's ``_service``, or None for a function alone."""
        return getattr(self._entry, "__self__", None) or getattr(
            sys.modules.get(getattr(self._entry, "__module__", "")), "_service", None
        )

    def origin(self, error: Exception) -> Frame | None:
        """The line that an unusable answer came from; None for an exception of the handler's own."""
        return where_returned(self._entry) if isinstance(error, (InvalidAnswer, Unserialisable)) else None

    def function(self, stage: str) -> Callable[..., Any] | None:
        """The handler's own function for ``handle`` or a stage, as it was defined; None where it has none."""
        found = getattr(type(self.handler), stage, None)
        if found is None and stage == "handle" and inspect.isfunction(self._entry):
            found = self._entry
        return found if inspect.isfunction(found) else None

    def around(self, stage: str, caller: Callable[..., Any]) -> None:
        """From now on ``caller(function, *args)`` calls ``handle`` or a stage."""
        function = self.function(stage)
        if function is None:
            return
        if function is self._entry:
            self._entry = functools.partial(caller, function)
            return
        bound = functools.partial(caller, types.MethodType(function, self.handler))
        if stage == "handle" and getattr(self._entry, "__self__", None) is self.handler:
            self._entry = bound
        elif stage == "handle":
            self.handler.handle = bound
        else:
            setattr(self.handler, stage, functools.partial(self._stages.run, stage, bound))


def visible_gpu(device: str) -> int | None:
    """The number of a device like ``cuda:1`` if this process has it; None for the CPU."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return None
    import torch

    return int(number or 0) if int(number or 0) < torch.cuda.device_count() else None
