"""Requests that are kept with their answers: every failure, and a sample of the others.

Bounded in count, bytes and age. Failures have a ring of their own, so that no
amount of good requests drives them out. Headers that carry credentials are
taken off; of a model marked ``private: true`` in its model-config.yaml only the
failure itself is kept, never what was sent. A request that replays another one
is not kept again.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

import msgspec

from tsnb.config import Config
from tsnb.messages import Recorded, Request

CREDENTIALS = re.compile(
    r"(^|[-_])(auth|authorization|authentication|cookie2?|credentials?|token|\w*xsrf\w*|\w*csrf\w*|api-?key|secret|"
    r"password|passwd|signature|assertion)($|[-_])",
    re.IGNORECASE,
)
"""Names of headers whose values let somebody in, by the words in them."""

NAMES_KEPT = 200
"""Requests that are remembered without their contents where ``record_requests`` is 0, so that failures can be told."""


class Recorder:
    """What was asked and answered lately. Times are Unix seconds."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.time) -> None:
        self._interval = config.record_interval
        self._failures = Ring(config, clock)
        self._others = Ring(config, clock)
        self._due: dict[tuple[str, str], float] = {}
        self._counting: dict[tuple[str, str], int] = {}

    def wants(self, model: tuple[str, str], now: float) -> bool:
        """Whether a good request should be kept: one in ``record_interval`` seconds, or as many as asked for."""
        return model in self._counting or now >= self._due.get(model, 0.0)

    def expect(self, model: tuple[str, str], count: int) -> None:
        """Keep the next ``count`` requests of this model, whatever comes of them."""
        self._counting[model] = count

    def keep(self, recorded: Recorded, *, private: bool = False) -> None:
        """Keep a request that :meth:`wants` wanted, or that failed."""
        if recorded.request.replay_of:
            return
        model = (recorded.model, recorded.version)
        if recorded.failure is None:
            self._due[model] = recorded.time + self._interval
        left = self._counting.get(model)
        if left is not None:
            self._counting[model] = left - 1
            if left <= 1:
                del self._counting[model]
        ring = self._others if recorded.failure is None else self._failures
        ring.add(_without_contents(recorded) if private else _without_credentials(recorded))

    def get(self, request_id: str) -> Recorded | None:
        """A request that was kept."""
        return self._failures.get(request_id) or self._others.get(request_id)

    def of(self, name: str, version: str | None, after: float) -> list[Recorded]:
        """The requests of a model (of all its versions, with None), oldest first."""
        found = [
            each
            for ring in (self._failures, self._others)
            for each in ring.all()
            if each.model == name and version in (None, each.version) and each.time > after
        ]
        return sorted(found, key=lambda each: each.time)

    def samples(self, name: str, version: str, count: int) -> list[Request]:
        """The latest requests that were answered well, newest first: what new code must be able to answer too."""
        good = [each for each in self._others.all() if (each.model, each.version) == (name, version)]
        return [each.request for each in reversed(good) if each.reply is not None and each.status < 400][:count]


class Ring:
    """The latest records, as many as the three bounds allow."""

    def __init__(self, config: Config, clock: Callable[[], float]) -> None:
        self._with_contents = config.record_requests > 0
        self._max_count = config.record_requests if self._with_contents else NAMES_KEPT
        self._max_bytes = config.record_bytes
        self._max_age = config.record_age
        self._clock = clock
        self._records: OrderedDict[str, Recorded] = OrderedDict()
        self._bytes = 0

    def add(self, recorded: Recorded) -> None:
        """Keep a record, and let go of old ones."""
        if not self._with_contents or size_of(recorded) > self._max_bytes:
            recorded = _without_contents(recorded)
        self._drop(recorded.request.id)
        self._records[recorded.request.id] = recorded
        self._bytes += size_of(recorded)
        while len(self._records) > self._max_count or self._bytes > self._max_bytes:
            self._drop(next(iter(self._records)))
        self._forget_old()

    def _forget_old(self) -> None:
        before = self._clock() - self._max_age
        while self._records and next(iter(self._records.values())).time < before:
            self._drop(next(iter(self._records)))

    def _drop(self, request_id: str) -> None:
        recorded = self._records.pop(request_id, None)
        if recorded is not None:
            self._bytes -= size_of(recorded)

    def get(self, request_id: str) -> Recorded | None:
        """A record by its request's id."""
        self._forget_old()
        return self._records.get(request_id)

    def all(self) -> Iterable[Recorded]:
        """Every record, oldest first."""
        self._forget_old()
        return self._records.values()


def size_of(recorded: Recorded) -> int:
    """Bytes of what was sent and answered."""
    sent = sum(len(parameter.value) for parameter in recorded.request.parameters)
    return sent + (len(recorded.reply.body) if recorded.reply is not None else 0)


def _without_contents(recorded: Recorded) -> Recorded:
    return msgspec.structs.replace(recorded, request=Request(recorded.request.id), reply=None)


def _without_credentials(recorded: Recorded) -> Recorded:
    request = msgspec.structs.replace(recorded.request, headers=_harmless(recorded.request.headers))
    reply = recorded.reply
    if reply is not None:
        reply = msgspec.structs.replace(reply, headers=_harmless(reply.headers))
    return msgspec.structs.replace(recorded, request=request, reply=reply)


def _harmless(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not CREDENTIALS.search(name)}
