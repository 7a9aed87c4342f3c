"""``python -m tsnb.client.load``: the generator. An Order on standard input, Ticks and Steps on standard output.

A line ``stop`` ends the stage that runs, and with it the test; the end of
standard input, which comes when whoever started this is gone, ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading

import msgspec

from tsnb.client.load.measure import Measurement
from tsnb.client.load.order import Order, Step, Tick

SHORTEST = 0.01
"""Seconds that a step must have been measured to count: one that was stopped while it warmed up has nothing to say."""


def say(message: Tick | Step) -> None:
    """One line of JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


async def work(order: Order) -> None:
    """One stage after the other, unless it is stopped."""
    loop = asyncio.get_running_loop()
    running: list[Measurement] = []
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        for each in running:
            each.stop()

    def listen() -> None:
        for line in sys.stdin.buffer:
            if line.strip() == b"stop":
                loop.call_soon_threadsafe(stop)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    for number, stage in enumerate(order.stages):
        if stopped.is_set():
            return
        running[:] = [Measurement(number, order, stage, say)]
        step = await running[0].run()
        if step.seconds >= SHORTEST:
            say(step)


def main() -> None:
    """Read the order, then work; without garbage collection, whose pauses would look like the server's."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    gc.disable()
    asyncio.run(work(order))
    sys.stdout.flush()
    os._exit(0)  # the thread that reads standard input would be waited for


if __name__ == "__main__":
    main()
