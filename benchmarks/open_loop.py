"""Requests at a fixed rate over a few connections, or as fast as slow models answer.

``python -m benchmarks.open_loop URL RATE SECONDS BODY [HEADER VALUE]…`` is for
load beside another measurement; it prints how many were answered with 200.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.client import dechunk, request_bytes


class Asked(NamedTuple):
    """An answer; ``seconds`` counts from when the request was due, ``at`` is when it came."""

    status: int
    body: bytes
    seconds: float
    at: float


async def ask(
    url: str,
    body: bytes,
    content_type: str,
    headers: dict[str, str],
    rate: float,
    seconds: float,
    connections: int,
    *,
    early: float = 0.0,
) -> list[Asked]:
    """Every answer, in order of the requests' ends.

    A loop's timers are late by up to a millisecond and more. With ``early`` seconds to go it stops sleeping and
    looks at the clock instead, which takes that share of a processor.
    """
    parts = urlsplit(url)
    request = request_bytes(url, body, content_type, headers)
    streams = [await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20) for _ in range(connections)]
    start, count = time.perf_counter() + 0.05, max(1, int(rate * seconds))
    answers: list[Asked] = []
    numbers = iter(range(count))

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in numbers:
            due = start + number / rate
            delay = due - early - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            while time.perf_counter() < due:
                await asyncio.sleep(0)
            writer.write(request)
            status, answer = await _answer(reader)
            answers.append(Asked(status, answer, time.perf_counter() - due, time.perf_counter()))

    try:
        await asyncio.gather(*(one(*each) for each in streams))
    finally:
        for _, writer in streams:
            writer.close()
    return answers


async def saturate(url: str, body: bytes, content_type: str, connections: int, seconds: float) -> list[Asked]:
    """A closed loop for slow models: every answer; all that was asked is waited for."""
    parts = urlsplit(url)
    request = request_bytes(url, body, content_type)
    end = time.perf_counter() + seconds
    answers: list[Asked] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
        while time.perf_counter() < end:
            asked = time.perf_counter()
            writer.write(request)
            status, answer = await _answer(reader)
            answers.append(Asked(status, answer, time.perf_counter() - asked, time.perf_counter()))
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return answers


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(maxsplit=2)[1])
    if "transfer-encoding: chunked" in head:
        return status, dechunk(await reader.readuntil(b"0\r\n\r\n"))
    size = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
    return status, await reader.readexactly(size)


def main() -> None:
    """Load until the time is over."""
    url, rate, seconds, body, *rest = sys.argv[1:]
    headers = dict(zip(rest[::2], rest[1::2], strict=True))
    asked = asyncio.run(ask(url, body.encode(), "application/json", headers, float(rate), float(seconds), 16))
    print(sum(each.status == 200 for each in asked))


if __name__ == "__main__":
    main()
