"""The loops: closed, where each connection asks again when it has its answer, and open, where requests fall due."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable
from time import perf_counter as clock
from urllib.parse import urlsplit

from tsnb.client.load.connection import Connection
from tsnb.client.load.latencies import Latencies
from tsnb.client.load.order import Order, Stage, Step, Tick
from tsnb.client.load.plan import request_bytes

TICK = 0.25
"""Seconds between two pieces of news."""

GRACE = 2.0
"""Seconds that answers may take beyond the end of a stage before they count as not given."""

LATE = 0.002
"""Seconds that a timer may be late; more than that counts as waiting time of the request."""

PAUSE = 0.001
"""Shortest sleep between requests that fall due: what the generator does not take is the server's."""

RETRY = 0.1
"""Seconds between two tries to connect."""


class Measurement:
    """One stage; counting begins after the warm-up.

    Times are the performance counter's: uvloop's own clock counts in milliseconds.
    """

    def __init__(self, number: int, order: Order, stage: Stage, tell: Callable[[Tick], None]) -> None:
        self._number = number
        self._order = order
        self._stage = stage
        self._tell = tell
        self._request = request_bytes(order)
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._opening = 0
        self._all, self._lately = Latencies(), Latencies()
        self._requests = self._errors = self._lately_errors = self._unsent = 0
        self._statuses: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._received = 0
        self._lag = 0.0
        self._stopped = asyncio.Event()
        self._begin = self._end = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End early; what was measured counts."""
        self._stopped.set()

    async def run(self) -> Step:
        """Warm up, measure, wait a moment for the last answers."""
        start, cpu = clock(), time.process_time()
        self._begin = start + self._stage.warmup
        self._end = self._begin + self._stage.seconds
        for _ in range(self._stage.connections if not self._stage.rate else min(4, self._stage.connections)):
            self._open()
        due = self._loop.create_task(self._fall_due(start)) if self._stage.rate else None
        await self._watch()
        busy = (time.process_time() - cpu) / max(clock() - start, 1e-9)
        if due is not None:
            due.cancel()
        self._end = min(self._end, clock())
        await self._last_answers()
        return self._step(busy)

    # --- connections --------------------------------------------------------------------------------

    def _open(self) -> None:
        self._opening += 1
        task = self._loop.create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        parts = urlsplit(self._order.url)
        secure = ssl.create_default_context() if parts.scheme == "https" else None
        port = parts.port or (443 if secure else 80)
        try:
            while not self._over:
                try:
                    made = self._loop.create_connection(self._new, parts.hostname or "", port, ssl=secure)
                    _, connection = await asyncio.wait_for(made, self._order.timeout)
                except (OSError, TimeoutError) as error:
                    self._failed(f"no connection: {error.strerror if isinstance(error, OSError) else error}")
                    await asyncio.sleep(RETRY)
                else:
                    self._connections.add(connection)
                    self._free(connection)
                    return
        finally:
            self._opening -= 1

    def _new(self) -> Connection:
        return Connection(self._request, self._answered, self._broke)

    @property
    def _over(self) -> bool:
        return self._stopped.is_set() or clock() >= self._end

    def _free(self, connection: Connection) -> None:
        """A connection can take a request: the next one at once, or the one that has waited longest."""
        if not connection.open:
            return
        if not self._stage.rate:
            if not self._over:
                connection.ask(clock())
        elif self._due:
            connection.ask(self._due.popleft())
        else:
            self._idle.append(connection)

    # --- what comes of requests ---------------------------------------------------------------------

    def _answered(self, connection: Connection, status: int, seconds: float) -> None:
        now = clock()
        if now >= self._begin:
            self._statuses[str(status)] += 1
            if status >= 400:
                self._failed(f"answered {status}")
            else:
                self._requests += now <= self._end
        if status < 400:
            self._lately.add(seconds)
            if connection.begun >= self._begin:
                self._all.add(seconds)
        self._free(connection)

    def _broke(self, connection: Connection, why: str) -> None:
        self._connections.discard(connection)
        self._received += connection.received
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.asking and connection.begun >= self._begin:
            self._failed(why)
        if not self._over:
            self._open()

    def _failed(self, why: str) -> None:
        self._problems[why] += 1
        self._errors += 1
        self._lately_errors += 1

    # --- the open loop ------------------------------------------------------------------------------

    async def _fall_due(self, start: float) -> None:
        """Send each request when its time has come, however the earlier ones fare."""
        sent = 0
        while True:
            now = clock()
            due_now = math.floor((min(now, self._end) - start) * self._stage.rate) + 1
            for number in range(sent, due_now):
                when = start + number / self._stage.rate
                self._lag = max(self._lag, now - when)
                self._send(when if now - when > LATE else now)
            sent = max(sent, due_now)
            await asyncio.sleep(max(start + sent / self._stage.rate - clock(), PAUSE))

    def _send(self, when: float) -> None:
        if self._idle:
            self._idle.popleft().ask(when)
            return
        self._due.append(when)
        if len(self._connections) + self._opening < self._stage.connections and self._opening < len(self._due):
            self._open()

    # --- the clock ----------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Tell the news until the time is over, and give up what takes too long."""
        last = clock()
        while not self._over:
            wait = min(TICK, max(self._end - clock(), 0.001))
            try:
                await asyncio.wait_for(self._stopped.wait(), wait)
            except TimeoutError:
                now = clock()
                self._give_up(now - self._order.timeout)
                if now - last >= TICK / 2:
                    self._news(now, now - last)
                    last = now

    def _news(self, now: float, seconds: float) -> None:
        lately, self._lately = self._lately, Latencies()
        errors, self._lately_errors = self._lately_errors, 0
        at, warming = now - self._begin + self._stage.warmup, now < self._begin + TICK / 2
        self._tell(
            Tick(
                self._number,
                round(at, 3),
                lately.count,
                errors,
                lately.count / seconds,
                lately.quantile(0.5),
                lately.quantile(0.99),
                warming,
            )
        )

    def _give_up(self, before: float) -> None:
        """Close connections whose answer is overdue."""
        for connection in [each for each in self._connections if each.asking and each.begun < before]:
            connection.close()
            self._broke(connection, f"no answer within {self._order.timeout:g} s")

    async def _last_answers(self) -> None:
        limit = clock() + min(GRACE, self._order.timeout)
        while any(each.asking for each in self._connections) and clock() < limit:
            await asyncio.sleep(0.01)
        for task in [*self._tasks]:
            task.cancel()
        now = clock()
        for when in self._due:
            if when >= self._begin:
                self._unsent += 1
                self._all.add(now - when)
        for connection in [*self._connections]:
            self._received += connection.received
            if connection.asking and connection.begun >= self._begin:
                self._failed("no answer when the test ended")
            connection.close()

    def _step(self, busy: float) -> Step:
        measured, seconds = self._all, max(self._end - self._begin, 1e-9)
        quantiles = {name: measured.quantile(share) for name, share in QUANTILES.items()}
        return Step(
            self._number,
            self._stage.connections,
            self._stage.rate,
            round(seconds, 4),
            requests=self._requests,
            errors=self._errors,
            throughput=self._requests / seconds,
            mean=measured.mean,
            longest=measured.longest,
            unsent=self._unsent,
            statuses=dict(self._statuses),
            problems=dict(self._problems.most_common(8)),
            received=self._received,
            busy=busy,
            lag=self._lag,
            stopped=self._stopped.is_set(),
            bins=measured.bins(),
            **quantiles,
        )


QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
