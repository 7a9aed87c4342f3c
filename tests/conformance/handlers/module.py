"""Two functions: which one answers depends on the handler that is named at registration."""


def handle(data, context):
    return None if data is None else ["handle"] * len(data)


def other(data, context):
    return None if data is None else ["other"] * len(data)


def not_ready(data, context):
    if data is None:
        raise RuntimeError("no weights here")
    return ["never"]
