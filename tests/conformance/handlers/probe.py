"""Answers with what arrived: names, types and values, in the order of the dict."""


def handle(data, context):
    if data is None:  # the call that initializes
        return None
    return [[tell(name, value) for name, value in row.items()] for row in data]


def tell(name, value):
    shown = bytes(value).decode("latin-1") if isinstance(value, (bytes, bytearray)) else value
    return f"{name!r} {type(value).__name__} {shown!r}"[:500]
