"""Several things that could be the handler, and some that are none: which is meant is in the handler's name."""

import os


def one(data, context):
    return None if data is None else ["one"] * len(data)


one.called = "function"


class Service:
    def initialize(self, context):
        self.where = os.path.basename(os.getcwd()) == os.path.basename(context.system_properties["model_dir"])

    def handle(self, data, context):
        return [f"class {self.where}"] * len(data)
