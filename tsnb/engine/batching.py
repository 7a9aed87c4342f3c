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

from collections.abc import Sequence

from msgspec import Struct

from tsnb.engine.job import Job
from tsnb.messages import BatchPolicy

SMOOTHING = 0.2
"""Weight of the newest batch in the moving average of its size class."""

EXPLORE_SHARE = 0.02
"""Share of the working time that may be lost by trying sizes that were too large before: costs change."""

AHEAD_ALONE = 0.05
"""Seconds a batch may take for the next one to be sent ahead of its time to the only worker of a model."""

AHEAD_SHARED = 0.005
"""The same where a model has several workers, of which another may be free sooner."""

MARGIN = 0.97
"""A smaller batch is preferred only if its cost per item is below this share of the larger one's."""


class Decision(Struct, frozen=True):
    """Take ``count`` jobs now, or (with 0) look again at ``wake``, a time or None for "when something changes"."""

    count: int
    wake: float | None = None


class CostModel:
    """Seconds per item, learned for classes of batch sizes (1, 2, 3-4, 5-8, 9-16, …)."""

    def __init__(self) -> None:
        self._per_item: dict[int, float] = {}
        self._worked = 0.0
        self._lost = 0.0

    def learn(self, size: int, seconds: float) -> None:
        """A batch of this size took so long."""
        size_class, cost = _size_class(size), seconds / size
        known = self._per_item.get(size_class)
        self._per_item[size_class] = cost if known is None else known + SMOOTHING * (cost - known)
        self._worked += seconds
        if size_class:
            smaller = [per_item for other, per_item in self._per_item.items() if other < size_class]
            self._lost += max(0.0, seconds - size * min(smaller, default=cost))

    def best(self, limit: int) -> int:
        """The batch size, at most ``limit``, that should give the highest throughput."""
        largest = _size_class(limit)
        if largest not in self._per_item or self._lost <= EXPLORE_SHARE * self._worked:
            return limit
        best_class, best_cost = largest, self._per_item[largest] * MARGIN
        for size_class, cost in self._per_item.items():
            if size_class < largest and cost < best_cost:
                best_class, best_cost = size_class, cost
        return min(limit, 1 << best_class)

    def seconds(self, size: int) -> float | None:
        """How long a batch of this size should take; None if none of about this size was seen."""
        per_item = self._per_item.get(_size_class(size))
        return None if per_item is None else per_item * size


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


def ahead(policy: BatchPolicy, waiting: int, workers: int, batch_size: int, cost: CostModel) -> int:
    """How many of the waiting jobs to send to a busy worker, to be there when it ends; 0 for none.

    Only a full batch, so that batches grow as they would without it, and only where batches are so short that the way
    there and back counts.
    """
    if policy == "window":
        return 0
    size = cost.best(batch_size)
    if waiting < size:
        return 0
    seconds = cost.seconds(size)
    limit = AHEAD_ALONE if workers == 1 else AHEAD_SHARED
    return size if seconds is not None and seconds <= limit else 0


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
