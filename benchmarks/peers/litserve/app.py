"""The task under LitServe."""

import sys
from typing import Annotated

import litserve
from bench_task import make
from fastapi import Body, Request

TASK, BATCH, DELAY, PORT, WORKERS = sys.argv[1], *map(int, sys.argv[2:6])
Incoming = Annotated[bytes, Body(media_type="application/octet-stream")] if TASK == "raw" else Request


class Predict(litserve.LitAPI):
    def setup(self, device):
        self.task = make(TASK)

    def decode_request(self, request: Incoming):
        return request if TASK == "raw" else request["x"]

    def batch(self, inputs):
        return inputs

    def unbatch(self, output):
        return output

    def predict(self, x):
        return self.task(x) if BATCH > 1 else self.task([x])[0]

    def encode_response(self, output):
        return output


class Stream(litserve.LitAPI):
    def setup(self, device):
        self.task = make(TASK)

    def decode_request(self, request):
        return request["x"]

    def predict(self, x):
        yield from self.task.pieces()

    def encode_response(self, output):
        yield from output


if __name__ == "__main__":
    if TASK == "stream":
        api = Stream(stream=True)
    else:
        api = Predict(max_batch_size=BATCH, batch_timeout=DELAY / 1000 if BATCH > 1 else 0)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, fast_queue=True)
    server.run(host="127.0.0.1", port=PORT, num_api_servers=1, log_level="error", generate_client_file=False)
