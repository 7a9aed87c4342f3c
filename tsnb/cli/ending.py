"""What ends a server: SIGTERM, Ctrl-C, a hang-up, or the end of a pipe that its parent holds."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

from tsnb.errors import ConfigError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Ending:
    """``asked`` is set by the first wish to stop, ``hurried`` by the second. Use it as a context."""

    def __init__(self, lifeline: int | None = None) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self._lifeline = lifeline
        self._watched: list[signal.Signals] = []

    def __enter__(self) -> Ending:
        loop = asyncio.get_running_loop()
        if self._lifeline is not None:
            try:
                os.set_blocking(self._lifeline, False)
                loop.add_reader(self._lifeline, self._pull)
            except (OSError, ValueError) as error:
                raise ConfigError(f"--lifeline {self._lifeline}: no pipe has this number here.") from error
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
                loop.add_signal_handler(number, self.ask)
                self._watched.append(number)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in self._watched:
            loop.remove_signal_handler(number)
        if self._lifeline is not None:
            loop.remove_reader(self._lifeline)

    def ask(self) -> None:
        """Stop, please; asked again: at once."""
        (self.hurried if self.asked.is_set() else self.asked).set()

    def _pull(self) -> None:
        try:
            if os.read(self._lifeline or 0, 4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        asyncio.get_running_loop().remove_reader(self._lifeline or 0)
        self.asked.set()

    async def before(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do some work unless a wish to stop comes first; then it is cancelled. Whether it was done."""
        return await _first(work, self.asked)

    async def slowly(self, work: Coroutine[Any, Any, None]) -> bool:
        """The same until the second wish: for work that is part of stopping."""
        return await _first(work, self.hurried)


async def _first(work: Coroutine[Any, Any, None], event: asyncio.Event) -> bool:
    task, waiter = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for each in (task, waiter):
            each.cancel()
        await asyncio.gather(task, waiter, return_exceptions=True)
