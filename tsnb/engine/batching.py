"""How many waiting jobs an idle worker takes. Pure functions; time is an argument.

Two policies. ``eager`` (the default) is work-conserving: an idle worker takes
what is waiting, at once, so a lone request never waits and batches grow only
while workers are busy. ``window`` is TorchServe's: wait until the batch is full
or the oldest job is ``max_batch_delay`` old (spec 7.6).

A bigger batch is not always faster per item (on a CPU sixteen images can take
longer than sixteen times one). :class:`CostModel` learns the cost per item by
batch size, so that raising ``batchSize`` never lowers throughput.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from tsnb.engine.job import Job
from tsnb.messages import BatchPolicy

FALLING, RISING = 0.3, 0.05
"""Weight of the newest batch in the moving average of its size class, where it was cheaper and where it was dearer.

On a busy machine many a batch is held up, which says nothing about its size.
"""

EXPLORE_SHARE = 0.01
"""Share of the working time that goes to sizes larger than what seems best: nobody knows yet, and costs change."""

AHEAD_ALONE = 0.05
"""Seconds a batch may take for the next one to be sent ahead of its time to the only worker of a model."""

AHEAD_SHARED = 0.005
"""The same where a model has several workers, of which another may be free sooner."""

AHEAD_PARTLY = 0.002
"""The same for one that is not full, which would otherwise grow while it waits."""

HANDING_OVER = 30e-6
"""Seconds that a batch takes the server itself, whatever its size."""

MARGIN = 0.96
"""A larger batch must cost less per item than this share of a smaller one's: all in it wait for its end."""


class Decision(Struct, frozen=True):
    """Take ``count`` jobs now, or (with 0) look again at ``wake``, a time or None for "when something changes"."""

    count: int
    wake: float | None = None


class CostModel:
    """Seconds per item, learned for classes of batch sizes (1, 2, 3-4, 5-8, 9-16, …)."""

    def __init__(self) -> None:
        #: By size class; infinite where none was seen.
        self._per_item: list[float] = [math.inf]
        self._tried: list[int] = [0]
        self._preferred = 0
        self._worked = 0.0
        self._explored = 0.0

    def learn(self, size: int, seconds: float) -> None:
        """A batch of this size took so long."""
        size_class, cost, costs = _size_class(size), (seconds + HANDING_OVER) / size, self._per_item
        while size_class >= len(costs):
            costs.append(math.inf)
            self._tried.append(0)
        known = costs[size_class]
        if known != math.inf:
            cost = known + (FALLING if cost < known else RISING) * (cost - known)
        costs[size_class] = cost
        self._tried[size_class] += 1
        self._worked += seconds
        if size_class > self._preferred:
            self._explored += seconds
        enough = min(costs) / MARGIN
        preferred = 0
        while costs[preferred] > enough:
            preferred += 1
        self._preferred = preferred

    def best(self, limit: int) -> int:
        """The batch size, at most ``limit``, that should give the highest throughput; of several the smallest."""
        preferred, largest = self._preferred, _size_class(limit)
        if preferred < largest and self._explored <= EXPLORE_SHARE * self._worked:
            preferred = min(range(largest, preferred, -1), key=self._times_tried)
        return min(limit, 1 << preferred)

    def _times_tried(self, size_class: int) -> int:
        return self._tried[size_class] if size_class < len(self._tried) else 0

    def seconds(self, size: int) -> float | None:
        """How long a batch of this size should take; None if none of about this size was seen."""
        size_class = _size_class(size)
        per_item = self._per_item[size_class] if size_class < len(self._per_item) else math.inf
        return None if per_item == math.inf else per_item * size


def _size_class(size: int) -> int:
    return (size - 1).bit_length()


def decide(
    policy: BatchPolicy,
    *,
    now: float,
    waiting: int,
    oldest: float,
    idle: int,
    batch_size: int,
    max_delay: float,
    cost: CostModel,
) -> Decision:
    """What one of ``idle`` workers does about ``waiting`` jobs, the oldest from the time ``oldest``.

    ``max_delay`` is in seconds. Several idle workers share what waits evenly.
    """
    if waiting == 0 or idle == 0:
        return Decision(0)
    if policy == "window":
        return _window(now, waiting, oldest, batch_size, max_delay)
    share = -(-waiting // idle)  # rounded up
    return Decision(cost.best(min(share, batch_size)))


def ahead(policy: BatchPolicy, waiting: int, running: int, workers: int, batch_size: int, cost: CostModel) -> int:
    """How many of the waiting jobs to send to a worker that is busy with ``running``, to be there when it ends.

    0 for none. Only where batches are so short that the way there and back counts. A full batch, so that batches grow
    as they would without it; of the shortest also one that is no smaller than the one before it, so that two of half
    the size take turns, where one after the other would leave the worker or everybody else idle.
    """
    if policy == "window":
        return 0
    size = cost.best(batch_size)
    if waiting >= size:
        count, limit = size, AHEAD_ALONE if workers == 1 else AHEAD_SHARED
    elif waiting >= running:
        count, limit = waiting, AHEAD_PARTLY if workers == 1 else AHEAD_PARTLY / 5
    else:
        return 0
    seconds = cost.seconds(count)
    return count if seconds is not None and seconds <= limit else 0


def split(jobs: Sequence[Job]) -> list[Job]:
    """The jobs of a batch that must go in a later one: an explanation or a description has a batch for itself.

    A handler looks at the first request only to see which it is to give.
    """
    seen = None
    for position, job in enumerate(jobs):
        headers = job.request.headers
        if headers is not seen and (headers.get("explain") == "True" or headers.get("describe") == "True"):
            return list(jobs[max(1, position) :])
        seen = headers  # clients repeat theirs, and the front then has one dict for all of them
    return []


def _window(now: float, waiting: int, oldest: float, batch_size: int, max_delay: float) -> Decision:
    due = oldest + max_delay
    if waiting >= batch_size or now >= due:
        return Decision(min(waiting, batch_size))
    return Decision(0, wake=due)
