"""The task under BentoML."""

import os
from collections.abc import Generator
from typing import Any

import bentoml
from bench_task import make

TASK, BATCH = os.environ["BENCH_TASK"], int(os.environ["BENCH_BATCH"])
WORKERS = int(os.environ["BENCH_WORKERS"])
Item = int if TASK in ("echo", "stream") else list[float]


@bentoml.service(
    workers=WORKERS, traffic={"timeout": 60, "max_concurrency": 1000}, logging={"access": {"enabled": False}}
)
class Predict:
    def __init__(self):
        self.task = make(TASK)

    if TASK == "stream":

        @bentoml.api
        def predict(self, x: Item) -> Generator[str, None, None]:
            yield from self.task.pieces()

    elif BATCH > 1:

        @bentoml.api(batchable=True, max_batch_size=BATCH, max_latency_ms=60_000)
        def predict(self, x: list[Item]) -> list[Any]:
            return self.task(x)

    else:

        @bentoml.api
        def predict(self, x: Item) -> Any:
            return self.task([x])[0]
