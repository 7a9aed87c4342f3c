"""The handler of a live model that has none: what is sent goes into the model, what comes out goes back as JSON."""

from __future__ import annotations

from tsnb.capture.portable import PRELUDE

HANDLER = '''"""Serves {name}: a request is what you would type as net(...), the answer is what that returns, as JSON.

Written by tsnb. Edit it as you like: it is not written again while it is here.

[[1, 2], [3, 4]]                  net(tensor([[1, 2], [3, 4]]))
{{"x": [[1, 2]]}}                   the same: of an object with one key, the value counts
{{"ids": [[5]], "mask": [[1]]}}     net(ids=tensor([[5]]), mask=tensor([[1]]))
the bytes of a .npy file          net(tensor of that array)
"""
{prelude}
import io
import json

import numpy as np
import torch

from tsnb import BaseHandler


class {cls}(BaseHandler):
    def initialize(self, context):
        super().initialize(context)
        layers = [layer for layer in self.model.modules() if next(layer.parameters(recurse=False), None) is not None]
        kind = getattr(layers[0], "original_name", type(layers[0]).__name__) if layers else ""
        self.takes_words = kind.startswith("Embedding")  # whole numbers stay what they are
        floats = [each.dtype for each in self.model.parameters() if each.is_floating_point()]
        self.dtype = floats[0] if floats else torch.float32

    def preprocess(self, data):
        return [self.arguments(row.get("body", row.get("data"))) for row in data]

    def inference(self, data):
        with torch.inference_mode():
            return [self.model(*positional, **named) for positional, named in data]

    def postprocess(self, data):
        return [self.plain(value) for value in data]

    def arguments(self, body):
        if isinstance(body, (bytes, bytearray)) and body[:6] == b"\\x93NUMPY":
            body = np.load(io.BytesIO(body), allow_pickle=False)
        elif isinstance(body, (bytes, bytearray, str)):
            body = json.loads(body)
        if isinstance(body, dict) and len(body) != 1:
            return (), {{name: self.tensor(value) for name, value in body.items()}}
        return (self.tensor(next(iter(body.values())) if isinstance(body, dict) else body),), {{}}

    def tensor(self, value):
        value = torch.as_tensor(value, device=self.device)
        return value if self.takes_words and not value.is_floating_point() else value.to(self.dtype)

    def plain(self, value):
        if isinstance(value, torch.Tensor):
            return value.tolist()
        if isinstance(value, dict):
            return {{name: self.plain(each) for name, each in value.items()}}
        return [self.plain(each) for each in value] if isinstance(value, (list, tuple)) else value
'''


def handler_source(name: str, module: str) -> str:
    """The text of the handler of a model; ``module`` is the name of its file."""
    cls = "".join(part[:1].upper() + part[1:] for part in module.split("_")) or "Live"
    return HANDLER.format(name=name, prelude=PRELUDE.rstrip(), cls=cls if cls[:1].isalpha() else f"Model{cls}")
