"""The task under Mosec."""

import os

from bench_task import make
from mosec import Server, SSEWorker, Worker

TASK, BATCH = os.environ["BENCH_TASK"], int(os.environ["BENCH_BATCH"])


class Predict(Worker):
    def __init__(self):
        self.task = make(TASK)

    def deserialize(self, data):
        return data if TASK == "raw" else super().deserialize(data)["x"]

    def forward(self, data):
        return self.task(data) if BATCH > 1 else self.task([data])[0]


class Stream(SSEWorker):
    def __init__(self):
        self.task = make(TASK)

    def forward(self, data):
        for piece in self.task.pieces():
            self.send_stream_event(piece)


if __name__ == "__main__":
    server = Server()
    worker = Stream if TASK == "stream" else Predict
    count, delay = int(os.environ["BENCH_WORKERS"]), int(os.environ["BENCH_DELAY"])
    server.append_worker(worker, num=count, max_batch_size=BATCH, max_wait_time=delay, timeout=60)
    server.run()
