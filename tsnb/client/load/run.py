"""A load test under way: the child process, its news, and the way to stop it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import IO

import msgspec

from tsnb.client.load.order import Order, Step, Tick
from tsnb.client.load.plan import check, request_bytes
from tsnb.client.load.result import LoadResult
from tsnb.errors import TsnbError

STOP = b"stop"

_NEWS: msgspec.json.Decoder[Tick | Step] = msgspec.json.Decoder(Tick | Step)


class Run:
    """An order that can be carried out, and stopped. Raises BadRequest for one that makes no sense."""

    def __init__(self, order: Order) -> None:
        check(order.stages)
        request_bytes(order)
        self.order = order
        self._stopped = False
        self._child: subprocess.Popen[bytes] | None = None

    def follow(self, hear: Callable[[Tick | Step], None]) -> None:
        """Run to the end; ``hear`` gets the news as it comes. Raises TsnbError when the generator breaks.

        Interrupted, it stops the generator, tells what that has measured, and raises KeyboardInterrupt.
        """
        command = [sys.executable, "-P", "-m", "tsnb.client.load"]
        with (
            tempfile.TemporaryFile() as stderr,  # a pipe nobody reads would fill up and stop it
            subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            ) as child,
        ):
            self._child = child
            try:
                self._tell(msgspec.json.encode(self.order))
                if self._stopped:
                    self._tell(STOP)
                lines = child.stdout or ()
                try:
                    for line in lines:
                        hear(_NEWS.decode(line))
                except KeyboardInterrupt:
                    self.stop()
                    for line in lines:
                        hear(_NEWS.decode(line))
                    raise
                if child.wait() != 0:
                    raise _broken(stderr)
            finally:
                child.kill()
                self._child = None

    def stop(self) -> None:
        """End the stage that runs; what it measured is told as usual. From any thread."""
        self._stopped = True
        self._tell(STOP)

    def _tell(self, line: bytes) -> None:
        child = self._child
        if child is not None and child.stdin is not None and child.poll() is None:
            with contextlib.suppress(OSError):  # it has ended by itself; how is told elsewhere
                child.stdin.write(line + b"\n")
                child.stdin.flush()


def run_order(order: Order, model: str, hear: Callable[[Tick | Step], None]) -> LoadResult:
    """Run an order to its end."""
    steps: list[Step] = []

    def keep(news: Tick | Step) -> None:
        if isinstance(news, Step):
            steps.append(news)
        hear(news)

    Run(order).follow(keep)
    return LoadResult(model, order.url, steps)


def _broken(stderr: IO[bytes]) -> TsnbError:
    stderr.seek(0)
    said = stderr.read().decode(errors="replace").strip().splitlines()
    return TsnbError(f"The load generator broke: {said[-1] if said else 'it said nothing'}.")
