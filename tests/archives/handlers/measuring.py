"""Reports metrics of every kind, and as many lines and values as the body says: ``lines values``."""

from ts.metrics.dimension import Dimension
from ts.metrics.metric_type_enum import MetricTypes
from ts.torch_handler.base_handler import BaseHandler


class Measuring(BaseHandler):
    def initialize(self, context):
        context.metrics.add_counter("Loads", 1)
        self.initialized = True

    def preprocess(self, data):
        return bytes(data[0].get("body") or b"").decode()

    def inference(self, data):
        return data

    def postprocess(self, data):
        metrics = self.context.metrics
        lines, values = ([*map(int, data.split()), 0, 0])[:2]
        for number in range(lines):
            print("line", number)
        for number in range(values):
            metrics.add_counter("Flood", 1, dimensions=[Dimension("Number", number % 7)])
        metrics.add_counter("Listed", 2, 0, [Dimension("Colour", "red")])
        metrics.add_counter("Unlisted", 1)
        metrics.add_metric("Spread", 0.3, "s", 0, metric_type=MetricTypes.HISTOGRAM)
        metrics.get_metric("PredictionTime", MetricTypes.GAUGE)
        return [data or "ok"]
