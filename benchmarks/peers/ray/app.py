"""The task under Ray Serve."""

import signal
import sys

import ray
from bench_task import make
from ray import serve
from ray.serve.schema import LoggingConfig
from starlette.requests import Request
from starlette.responses import StreamingResponse

TASK, BATCH, DELAY, PORT = sys.argv[1], *map(int, sys.argv[2:5])
FOLDER, WORKERS = sys.argv[5], int(sys.argv[6])
QUIET = LoggingConfig(enable_access_log=False, log_level="ERROR")


@serve.deployment(
    num_replicas=WORKERS, max_ongoing_requests=256, logging_config=QUIET, ray_actor_options={"num_cpus": 1}
)
class Predict:
    def __init__(self):
        self.task = make(TASK)

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=DELAY / 1000)
    async def batched(self, values):
        return self.task(values)

    async def __call__(self, request: Request):
        if TASK == "stream":
            return StreamingResponse(self.task.pieces(), media_type="text/plain")
        value = await request.body() if TASK == "raw" else (await request.json())["x"]
        return await self.batched(value) if BATCH > 1 else self.task([value])[0]


if __name__ == "__main__":
    ray.init(include_dashboard=False, num_cpus=4, _node_ip_address="127.0.0.1", log_to_driver=False, _temp_dir=FOLDER)
    serve.start(http_options={"host": "127.0.0.1", "port": PORT, "access_log": False}, logging_config=QUIET)
    serve.run(Predict.bind(), route_prefix="/")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
