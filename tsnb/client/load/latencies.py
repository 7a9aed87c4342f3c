"""Latencies as counts in buckets that grow by one per cent: small, and as exact as anybody reads."""

from __future__ import annotations

import math

_SHORTEST = 1e-6
_GROWTH = math.log(1.01)
_BUCKETS = 2100
"""From a microsecond to about twenty minutes."""


class Latencies:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.total = 0.0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        bucket = int(math.log(seconds / _SHORTEST) / _GROWTH) if seconds > _SHORTEST else 0
        self._counts[min(bucket, _BUCKETS - 1)] += 1
        self.count += 1
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds

    @property
    def mean(self) -> float:
        """The arithmetic mean; 0 of nothing."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> float:
        """The value that ``share`` of all do not exceed, within one per cent; 0 of nothing."""
        wanted, seen = math.ceil(share * self.count), 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_middle(bucket), self.longest)
        return 0.0

    def bins(self, joined: int = 16) -> tuple[tuple[float, int], ...]:
        """Counts of ``joined`` buckets together, from the first to the last that hold something."""
        sums = [sum(self._counts[start : start + joined]) for start in range(0, _BUCKETS, joined)]
        filled = [index for index, count in enumerate(sums) if count]
        if not filled:
            return ()
        return tuple((_lower((i + 1) * joined), sums[i]) for i in range(filled[0], filled[-1] + 1))


def _lower(bucket: int) -> float:
    return _SHORTEST * math.exp(bucket * _GROWTH)


def _middle(bucket: int) -> float:
    return _lower(bucket) * math.exp(_GROWTH / 2)
