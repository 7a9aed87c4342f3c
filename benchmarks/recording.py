"""What the recording of requests costs: ``python -m benchmarks.recording``.

Two servers of the same task, one that records as by default, one with ``record_requests=0``, take turns under wrk;
the one that waits is held still. Prints requests per second, medians over the rounds, and their ratio.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from statistics import median

from benchmarks.load import wrk
from benchmarks.peers import PEERS
from benchmarks.processes import running
from benchmarks.server import Server, scratch, started, until_it_answers
from benchmarks.tasks import inputs

ROUNDS = 15
SECONDS = 1
CONNECTIONS = 64


def main() -> int:
    """Measure and print."""
    for task in ("echo", "mlp"):
        on, off = _rates(task)
        print(f"{task}: {on:,.0f} with recording, {off:,.0f} without: {on / off - 1:+.1%}")
    return 0


def _rates(task: str) -> tuple[float, float]:
    body, content_type = PEERS["tsnb"].body(task, inputs.values(task)[0], 16), inputs.content_type(task)
    with ExitStack() as stack:
        servers = [_server(stack, task, keeps) for keeps in ("", "record_requests=0\n")]
        for server in servers:
            until_it_answers(server, body, content_type)
            wrk(server.url, body, content_type, CONNECTIONS, SECONDS, {})
            server.family.pause()
        rates: list[list[float]] = [[], []]
        for turn in range(ROUNDS):
            for which in (0, 1) if turn % 2 else (1, 0):
                with running(servers[which].family):
                    found = wrk(servers[which].url, body, content_type, CONNECTIONS, SECONDS, {})
                rates[which].append(found["rate"])
    return median(rates[0]), median(rates[1])


def _server(stack: ExitStack, task: str, settings: str) -> Server:
    folder = stack.enter_context(scratch())
    launch = PEERS["tsnb"].launch(task, 16, 10, folder)
    with (folder / "config.properties").open("a") as config:
        config.write(settings)
    return stack.enter_context(started(launch, folder))


if __name__ == "__main__":
    sys.exit(main())
