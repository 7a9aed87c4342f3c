"""There is not enough memory to load it."""


def handle(data, context):
    raise MemoryError("no more")
