"""``ts.utils.timeit_decorator``."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def timeit(func: F) -> F:
    """Print how long each call takes, and how much of it on a CPU."""

    @functools.wraps(func)
    def time_and_log(*args: Any, **kwargs: Any) -> Any:
        start, start_cpu = time.perf_counter(), time.process_time()
        result = func(*args, **kwargs)
        took, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        print(f"func: {func.__name__!r} took a total of {took:2.4f} sec to run and {cpu:2.4f} sec of CPU time")  # noqa: T201
        return result

    return time_and_log  # type: ignore[return-value]
