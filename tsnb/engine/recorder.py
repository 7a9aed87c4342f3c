"""Failures, remembered for their owner in a bounded ring."""

from __future__ import annotations

from collections import OrderedDict

from tsnb.messages import Failure


class Recorder:
    """The latest failures by request id."""

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._failures: OrderedDict[str, Failure] = OrderedDict()

    def add(self, request_id: str, failure: Failure) -> None:
        """Remember a failure; the oldest is forgotten when there are too many."""
        self._failures[request_id] = failure
        while len(self._failures) > self._limit:
            self._failures.popitem(last=False)

    def get(self, request_id: str) -> Failure | None:
        """The failure that answered this request, while it is remembered."""
        return self._failures.get(request_id)
