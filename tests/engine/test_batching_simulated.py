"""Batching as a whole, simulated: no pattern of load may fare worse with larger batches allowed than without.

The real decisions on a clock that is an argument: clients send, one worker or several take batches, and each batch
takes what a cost function says, with the way there and back.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable

import pytest

from tsnb.engine.batching import CostModel, ahead, decide

WAY = 0.0001
"""Seconds from the end of a batch until the worker can begin with one that was not sent ahead."""
END = 10.0


class Simulation:
    """``closed`` clients send again as soon as they are answered; ``arrivals`` come whatever happens."""

    def __init__(self, seconds: Callable[[int], float], batch_size: int, workers: int = 1) -> None:
        self.seconds, self.batch_size, self.workers = seconds, batch_size, workers
        self.cost = CostModel()
        self.now = 0.0
        self.waiting: deque[float] = deque()
        self.running: dict[int, list[float]] = {}
        self.next: dict[int, list[float]] = {}
        self.events: list[tuple[float, int, str, int]] = []
        self.number = 0
        self.latencies: list[float] = []
        self.closed = False

    def run(self, closed: int = 0, arrivals: tuple[float, ...] = ()) -> Simulation:
        self.closed = closed > 0
        for when in (*(0.0 for _ in range(closed)), *arrivals):
            self._plan(when, "arrive")
        while self.events and self.events[0][0] < END:
            self.now, _, what, worker = heapq.heappop(self.events)
            if what == "arrive":
                self.waiting.append(self.now)
            else:
                self._end(worker)
            self._dispatch()
        return self

    def _plan(self, when: float, what: str, worker: int = 0) -> None:
        self.number += 1
        heapq.heappush(self.events, (when, self.number, what, worker))

    def _take(self, count: int) -> list[float]:
        return [self.waiting.popleft() for _ in range(count)]

    def _begin(self, worker: int, jobs: list[float], way: float) -> None:
        self.running[worker] = jobs
        taken = self.seconds(len(jobs))
        self.cost.learn(len(jobs), taken + way)
        self._plan(self.now + taken + way, "end", worker)

    def _end(self, worker: int) -> None:
        for created in self.running.pop(worker):
            self.latencies.append(self.now - created)
            if self.closed:
                self._plan(self.now + WAY, "arrive")
        if worker in self.next:
            self._begin(worker, self.next.pop(worker), 0.0)

    def _dispatch(self) -> None:
        idle = [worker for worker in range(self.workers) if worker not in self.running]
        while idle and self.waiting:
            decision = decide(
                "eager", now=self.now, waiting=len(self.waiting), oldest=self.waiting[0], idle=len(idle),
                batch_size=self.batch_size, max_delay=0.1, cost=self.cost,
            )  # fmt: skip
            assert decision.count, "whoever is idle takes what waits"
            self._begin(idle.pop(0), self._take(decision.count), WAY)
        for worker, jobs in self.running.items():
            if worker not in self.next:
                sizes = len(self.waiting), len(jobs), self.workers, self.batch_size
                count = ahead("eager", *sizes, self.cost)
                if count:
                    self.next[worker] = self._take(count)

    @property
    def mean(self) -> float:
        return sum(self.latencies) / len(self.latencies)


COSTS = {
    "overhead only": lambda n: 0.0001 + 0.000005 * n,
    "cheaper together": lambda n: 0.002 + 0.0005 * n,
    "proportional": lambda n: 0.003 * n,
    "dearer together": lambda n: 0.003 * n * (1 + 0.05 * (n - 1)),
    "a cliff": lambda n: 0.002 * n if n <= 4 else 0.006 * n,
    "slow": lambda n: 0.02 + 0.004 * n,
}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("clients", [1, 2, 3, 8, 64])
@pytest.mark.parametrize("cost", COSTS)
def test_closed_loops_are_answered_as_fast_with_batches_as_without(cost: str, clients: int, workers: int) -> None:
    single = Simulation(COSTS[cost], 1, workers).run(closed=clients)
    batched = Simulation(COSTS[cost], 16, workers).run(closed=clients)
    assert len(batched.latencies) >= 0.95 * len(single.latencies)


@pytest.mark.parametrize("load", [0.2, 0.8])
@pytest.mark.parametrize("bursts", [1, 8, 40])
@pytest.mark.parametrize("cost", COSTS)
def test_requests_that_come_by_chance_or_in_bursts_wait_no_longer_with_batches(
    cost: str, bursts: int, load: float
) -> None:
    chance, rate = random.Random(1), load / (COSTS[cost](1) + WAY)
    moments, when = [], 0.0
    while when < END and len(moments) < 20_000:
        when += chance.expovariate(rate / bursts)
        moments += [when] * bursts
    single = Simulation(COSTS[cost], 1).run(arrivals=tuple(moments))
    batched = Simulation(COSTS[cost], 16).run(arrivals=tuple(moments))
    assert len(batched.latencies) >= 0.99 * len(single.latencies)
    assert batched.mean <= 1.2 * single.mean + WAY, "larger sizes are tried now and then"


def test_a_lone_request_takes_its_own_time_whatever_is_allowed() -> None:
    alone = Simulation(COSTS["slow"], 16).run(arrivals=(1.0, 3.0, 5.0))
    assert alone.latencies == pytest.approx([COSTS["slow"](1) + WAY] * 3)
