"""The handler that tsnb and TorchServe run: the archive's task.txt names the task."""

import os

from bench_task import make
from ts.handler_utils.utils import send_intermediate_predict_response


class Handler:
    def initialize(self, context):
        with open(os.path.join(context.system_properties["model_dir"], "task.txt")) as file:
            self.name = file.read()
        self.task = make(self.name)

    def handle(self, data, context):
        if self.name == "stream":
            return self._stream(context)
        values = [row.get("body") or row.get("data") for row in data]
        return self.task([value["x"] if isinstance(value, dict) else value for value in values])

    def _stream(self, context):
        pieces = self.task.pieces()
        last = next(pieces)
        for piece in pieces:
            send_intermediate_predict_response([last], context.request_ids, "ok", 200, context)
            last = piece
        return [last]
