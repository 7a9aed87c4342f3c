"""The access log (spec 0.7): a request is noted at once and written later (:mod:`tsnb.engine.log_writer`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from tsnb.engine.log_layout import Layout
from tsnb.engine.log_writer import Channel

Answered: TypeAlias = tuple[float, str, str, str, int, float]
"""Unix time, remote address, method, target, status and milliseconds of an answered request."""

LOGGER = "ACCESS_LOG"


class AccessLog:
    """Call it with each answered request; the method ``gRPC`` stands for a call of that kind."""

    def __init__(self, channel: Channel[Answered]) -> None:
        self._put = channel.put

    def __call__(self, remote: str, method: str, target: str, status: int, milliseconds: float) -> None:
        """Note a request; costs less than a microsecond."""
        self._put((time.time(), remote, method, target, status, milliseconds))


def renderer(layout: Layout) -> Callable[[list[Answered]], str]:
    """What makes text of requests."""

    def render(items: list[Answered]) -> str:
        return "".join(layout.text(item[0], "INFO", "requests", LOGGER, _message(*item)) for item in items)

    return render


def _message(seconds: float, remote: str, method: str, target: str, status: int, milliseconds: float) -> str:
    protocol = "HTTP/2.0" if method == "gRPC" else "HTTP/1.1"
    # Java writes addresses with a slash before them, and what reads these lines expects it.
    address = f"/{remote}" if ":" in remote else remote
    return f'{address} "{method} {target} {protocol}" {status} {milliseconds:.0f}'
