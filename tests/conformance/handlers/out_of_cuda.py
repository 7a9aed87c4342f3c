"""There is not enough memory on the GPU to load it."""


def handle(data, context):
    raise RuntimeError("CUDA out of memory")
