"""The colour of a picture. Pictures are read in two threads while the model works on the ones before."""

import io

import numpy as np
import torch
from PIL import Image
from ts.handler_utils.micro_batching import MicroBatching
from ts.torch_handler.base_handler import BaseHandler


class Colours(BaseHandler):
    def __init__(self):
        super().__init__()
        self.handle = MicroBatching(self)

    def initialize(self, context):
        super().initialize(context)
        settings = self.model_yaml_config["micro_batching"]
        self.handle.micro_batch_size = settings["micro_batch_size"]
        self.handle.parallelism = settings["parallelism"]

    def preprocess(self, data):
        """Picture files to small pictures of one size, as numbers from 0 to 1."""
        return torch.stack([self.picture(row.get("data") or row.get("body")) for row in data]).to(self.device)

    def picture(self, file):
        small = Image.open(io.BytesIO(file)).convert("RGB").resize((16, 16))
        return torch.from_numpy(np.asarray(small, dtype=np.float32) / 255)

    def postprocess(self, data):
        return [self.mapping[str(number)] for number in data.tolist()]
