"""A coroutine without ``asyncCommunication``."""


class Service:
    def initialize(self, context):
        pass

    async def handle(self, data, context):
        return ["answered"] * len(data)
