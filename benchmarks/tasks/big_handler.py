"""The big model's handler: BaseHandler loads it."""

import torch
from ts.torch_handler.base_handler import BaseHandler


class BigHandler(BaseHandler):
    def preprocess(self, data):
        torch.set_num_threads(1)
        return torch.ones(len(data), 4096)

    def postprocess(self, output):
        return [{"sum": float(row.sum())} for row in output]
