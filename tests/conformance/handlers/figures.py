"""Numbers in, numbers out; tells what the base handler has found."""

import torch
from ts.torch_handler.base_handler import BaseHandler
from ts.utils.util import map_class_to_label


class Figures(BaseHandler):
    def preprocess(self, requests):
        return torch.tensor([row.get("data") or row.get("body") for row in requests], dtype=torch.float32)

    def postprocess(self, values):
        labels = map_class_to_label(values.tolist(), self.mapping)
        return [{"labels": each, "facts": self.facts()} for each in labels]

    def facts(self):
        names = ("initialized", "explain", "target", "map_location", "profiler_args")
        path = self.model_pt_path
        return {
            **{name: getattr(self, name) for name in names},
            "device": str(self.get_device()),
            "training": self.model.training,
            "file": path and path.rpartition("/")[2],
            "mapping": self.mapping,
            "manifest": self.manifest == self.context.manifest,
        }
