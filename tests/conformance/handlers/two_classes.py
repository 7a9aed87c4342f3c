"""Two classes that could answer."""


class One:
    def initialize(self, context):
        pass

    def handle(self, data, context):
        return ["one"] * len(data)


class Two(One):
    pass
