"""A batch in small pieces that pass through a handler's stages like a pipeline (spec 6.9)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any

from tsnb.handlers.context import Context

STAGES = ("preprocess", "inference", "postprocess")


class MicroBatching:
    """Stands in for the ``handle`` of a :class:`~tsnb.handlers.base.BaseHandler`.

    ``self.handle = MicroBatching(self, micro_batch_size=4)`` in a handler's
    constructor cuts each batch into pieces of four rows. While one piece is in
    ``inference`` the next is in ``preprocess``. ``parallelism`` says how many
    threads work at each stage: ``{"preprocess": 2}``, one where it says nothing.
    """

    def __init__(
        self, parent_handler: Any, micro_batch_size: int = 1, parallelism: Mapping[str, int] | None = None
    ) -> None:
        self.handler = parent_handler
        self.micro_batch_size = micro_batch_size
        self._here = threading.local()
        self._parallelism = dict.fromkeys(STAGES, 1)
        self.parallelism = parallelism or {}

    @property
    def parallelism(self) -> dict[str, int]:
        """Threads by stage. Setting changes the stages that are named, from the next batch on.

        Raises ValueError for other stages or numbers.
        """
        return self._parallelism

    @parallelism.setter
    def parallelism(self, wanted: Mapping[str, int]) -> None:
        for stage, threads in wanted.items():
            if stage not in STAGES:
                raise ValueError(f"parallelism knows the stages {', '.join(STAGES)}, not {stage!r}")
            if not isinstance(threads, int) or threads < 1:
                raise ValueError(f"parallelism of {stage} is {threads!r}: it must be a number of threads, 1 or more")
        self._parallelism = self._parallelism | dict(wanted)
        # Pools that are replaced end by themselves, after the batch that still uses them.
        self._pools = [ThreadPoolExecutor(self._parallelism[stage], f"{stage}-") for stage in STAGES]

    def __call__(self, data: list[dict[str, Any]], context: Context) -> list[Any]:
        """Answer a batch: one item per request, in order. Raises what a stage raises.

        Under the profiler, and for explanations, the batch stays in one piece.
        """
        start = time.time()
        handler = self.handler
        handler.context = context
        if os.environ.get("ENABLE_TORCH_PROFILER"):
            output: list[Any] = handler._infer_with_profiler(data)[0]
        elif handler._is_describe():
            output = [handler.describe_handle()]
        elif handler._is_explain():
            output = handler.explain_handle(handler.preprocess(data), data)
        else:
            output = self.handle(data)
        context.metrics.add_time("HandlerTime", round((time.time() - start) * 1000, 2), None, "ms")
        return output

    def handle(self, data: list[Any]) -> list[Any]:
        """The results of all rows, through the three stages piece by piece."""
        size = self.micro_batch_size
        if size < 1:
            raise ValueError(f"micro_batch_size is {size}: a piece must have at least one row")
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        batch = _Batch(self.handler, self._pools, self._here)
        answers = [batch.start(index, piece) for index, piece in enumerate(pieces)]
        try:
            return list(chain.from_iterable(answer.result() for answer in answers))
        finally:
            batch.given_up = True

    def get_micro_batch_idx(self) -> int | None:
        """In a stage: which piece of the batch this is, from 0. None elsewhere, as in an explanation."""
        return getattr(self._here, "index", None)

    def shutdown(self) -> None:
        """End the threads; waits for what they do."""
        for pool in self._pools:
            pool.shutdown()


class _Batch:
    """One batch on its way; once it is given up, pieces that wait go no further."""

    def __init__(self, handler: Any, pools: list[ThreadPoolExecutor], here: threading.local) -> None:
        self._handler = handler
        self._pools = pools
        self._here = here
        self.given_up = False

    def start(self, index: int, piece: list[Any]) -> Future[Any]:
        """Send a piece on its way; what the last stage returns."""
        answer: Future[Any] = Future()
        self._submit(0, index, piece, answer)
        return answer

    def _submit(self, stage: int, index: int, value: Any, answer: Future[Any]) -> None:
        self._pools[stage].submit(self._run, stage, index, value, answer)

    def _run(self, stage: int, index: int, value: Any, answer: Future[Any]) -> None:
        if self.given_up:
            return
        self._here.index = index
        try:
            result = getattr(self._handler, STAGES[stage])(value)
            if stage + 1 < len(STAGES):
                self._submit(stage + 1, index, result, answer)
            else:
                answer.set_result(result)
        except BaseException as error:
            answer.set_exception(error)
        finally:
            del self._here.index
