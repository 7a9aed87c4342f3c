"""The ``timed`` decorator: stage times as metrics where ``handler.profile`` asks for them (spec 5.6)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import torch

F = TypeVar("F", bound=Callable[..., Any])


def timed(method: F) -> F:
    """Report the run time of a handler's method as ``ts_handler_<method>`` in ms, if its model-config says so."""

    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _profiling(self):
            return method(self, *args, **kwargs)
        start = _now()
        result = method(self, *args, **kwargs)
        self.context.metrics.add_time(f"ts_handler_{method.__name__}", (_now() - start) * 1000)
        return result

    return run  # type: ignore[return-value]


def _profiling(handler: Any) -> bool:
    config = getattr(handler.context, "model_yaml_config", None) or {}
    section = config.get("handler")
    return isinstance(section, dict) and bool(section.get("profile"))


def _now() -> float:
    """Seconds, with the work that was handed to a GPU done."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()
