"""Which iris is it? JSON in, JSON out; a request that makes no sense fails alone, not with its whole batch."""

import torch
from ts.torch_handler.base_handler import BaseHandler

LENGTHS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


class IrisHandler(BaseHandler):
    def preprocess(self, data):
        """One row of numbers per request; a row of zeros where a request makes no sense."""
        self.complaints = {}
        rows = [self.lengths(index, row.get("data") or row.get("body")) for index, row in enumerate(data)]
        return torch.tensor(rows, device=self.device)

    def lengths(self, index, body):
        missing = [name for name in LENGTHS if not isinstance(body, dict) or name not in body]
        if missing:
            self.complaints[index] = "missing: " + ", ".join(missing)
            return [0.0] * len(LENGTHS)
        return [float(body[name]) for name in LENGTHS]

    def postprocess(self, scores):
        """The name of the best class, or the complaint with a status of its own."""
        return [self.answer(index, number) for index, number in enumerate(scores.argmax(dim=1).tolist())]

    def answer(self, index, number):
        if index in self.complaints:
            self.context.set_response_status(400, "Bad Request", index)
            return {"error": self.complaints[index]}
        self.context.set_response_content_type(index, "application/json")
        return {"species": self.mapping[str(number)]}
