"""A class without ``handle``."""


class Service:
    def initialize(self, context):
        pass
