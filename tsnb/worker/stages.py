"""How long each stage of a handler takes, and which one failed with what in its hands."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from typing import Any

from tsnb.worker.shapes import outline

WATCHED = ("preprocess", "inference", "postprocess")


class Stages:
    """Seconds per stage of the batch that runs, and the innermost stage that raised."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: tuple[str, str] | None = None

    def clear(self) -> None:
        """Begin a batch."""
        self.seconds = {}
        self.failed = None

    def run(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call, add the time to ``name``; if it raises remember the stage and an outline of ``args``."""
        start = time.perf_counter()
        try:
            return call(*args, **kwargs)
        except Exception:
            if self.failed is None:
                self.failed = name, ", ".join(map(outline, args))
            raise
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    async def wait(self, name: str, call: Callable[..., Any], *args: Any) -> Any:
        """As :meth:`run`, for a call whose result may have to be awaited."""
        start = time.perf_counter()
        try:
            result = call(*args)
            return await result if inspect.isawaitable(result) else result
        except Exception:
            if self.failed is None:
                self.failed = name, ", ".join(map(outline, args))
            raise
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def watch(self, handler: object) -> None:
        """Time the three stages of a handler that has them, whoever calls them."""
        for name in WATCHED:
            method = getattr(handler, name, None)
            if callable(method):
                wrapped = functools.wraps(method)(functools.partial(self.run, name, method))
                setattr(handler, name, wrapped)
