"""What the widgets share: facts that views show, and questions that views ask through the kernel.

A view sends ``{"kind", "id", …}`` and gets ``{"kind": "reply", "id", …}``
back; a refusal carries ``error``. Everything runs where and when the kernel
hands the message over: there is no poller, no thread and no timer in Python,
so a widget nobody looks at costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from tsnb.client import Client
from tsnb.errors import BadRequest, ModelNotFound, ServiceUnavailable, TsnbError
from tsnb.widgets.facts import Facts

REFRESH_TIMEOUT = 2.0
"""Seconds a refresh may hold the kernel when the server does not answer."""

Buffers = Sequence[bytes | memoryview]

Answering = Coroutine[Any, Any, tuple[Facts, Buffers]]
"""What answers a question later: facts, and bytes that go with them."""


class LiveWidget(anywidget.AnyWidget):
    """A widget whose ``facts`` come from a server. Subclasses say how to read them, and what else may be asked."""

    facts = traitlets.Dict().tag(sync=True)

    def __init__(self, client: Client, facts: Facts) -> None:
        self.client = client
        self._running: dict[str, asyncio.Task[tuple[Facts, Buffers]]] = {}
        super().__init__(facts=facts)
        self.on_msg(self._receive)

    def read(self) -> Facts:
        """The facts as the server has them now. Raises TsnbError."""
        raise NotImplementedError

    def refresh(self) -> bool:
        """Read the facts again; whether they changed. A server that cannot be asked is a fact too (``problem``)."""
        before = self.facts
        try:
            self.facts = {**self.read(), "problem": "", "gone": False}
        except ModelNotFound:
            self.facts = {**before, "problem": "", "gone": True}
        except TsnbError as error:
            self.facts = {**before, "problem": error.message}
        return self.news(before, self.facts)

    def news(self, before: Facts, after: Facts) -> bool:
        """Whether facts differ in a way that lets views look again soon."""
        return before != after

    def _receive(self, _: object, content: Mapping[str, Any], buffers: Buffers) -> None:
        """Answer a view, or start to."""
        method: Callable[..., Any] | None = getattr(self, f"_on_{content.get('kind')}", None)
        try:
            if method is None:
                raise BadRequest(f"A view asked for {content.get('kind')!r}, which this widget does not know.")
            answer = method(content, buffers)
            if asyncio.iscoroutine(answer):
                self._start(content, answer)
            else:
                self._reply(content, answer)
        except TsnbError as error:
            self._refuse(content, error)
        except (KeyError, TypeError, ValueError) as error:
            self._refuse(content, BadRequest(f"A view sent {dict(content)}, which makes no sense: {error!r}."))

    def _on_refresh(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        news = self.refresh()
        return {"news": news, "busy": self.busy()}

    def busy(self) -> bool:
        """Whether workers are on their way, so that views look again soon."""
        return False

    def _reply(self, content: Mapping[str, Any], answer: Facts, buffers: Buffers = ()) -> None:
        self.send({"kind": "reply", "id": content.get("id"), **answer}, list(buffers))

    def _refuse(self, content: Mapping[str, Any], error: TsnbError) -> None:
        self._reply(content, {"error": {"type": error.type, "message": error.message}})

    def _on_cancel(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        """Give up another question, by its id."""
        task = self._running.get(str(content["of"]))
        if task is not None:
            task.cancel()
        return {}

    def _part(self, content: Mapping[str, Any], part: Facts, buffers: Buffers = ()) -> None:
        """Some of the answer, before the whole of it."""
        self.send({"kind": "part", "id": content.get("id"), **part}, list(buffers))

    def _start(self, content: Mapping[str, Any], answer: Answering) -> None:
        """Answer on the loop that brought the question, which stays free meanwhile; without a loop, now."""
        try:
            task = asyncio.get_running_loop().create_task(answer)
        except RuntimeError:
            asyncio.run(self._answer_now(content, answer))
            return
        number = str(content.get("id"))
        self._running[number] = task
        task.add_done_callback(lambda _: self._running.pop(number, None))
        task.add_done_callback(lambda done: self._settle(content, done))

    async def _answer_now(self, content: Mapping[str, Any], answer: Answering) -> None:
        task = asyncio.ensure_future(answer)
        await asyncio.wait([task])
        self._settle(content, task)

    def _settle(self, content: Mapping[str, Any], done: asyncio.Task[tuple[Facts, Buffers]]) -> None:
        """Reply with what came of a question, whatever that is."""
        error = None if done.cancelled() else done.exception()
        if done.cancelled():
            self._refuse(content, ServiceUnavailable("Given up."))
        elif isinstance(error, TsnbError):
            self._refuse(content, error)
        elif error is not None:
            self._refuse(content, TsnbError(f"{type(error).__name__}: {error}"))
            raise error
        else:
            self._reply(content, *done.result())

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget, and the same facts as text and as HTML for pages where no widget can live."""
        self.refresh()
        shown = super()._repr_mimebundle_()
        data, metadata = shown if shown is not None else ({}, {})
        return {**data, "text/plain": repr(self), "text/html": self._repr_html_()}, metadata

    def _repr_html_(self) -> str:
        raise NotImplementedError
