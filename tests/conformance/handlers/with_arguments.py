"""A class that cannot be made without arguments."""


class Service:
    def __init__(self, name):
        self.name = name

    def initialize(self, context):
        pass

    def handle(self, data, context):
        return ["answered"] * len(data)
