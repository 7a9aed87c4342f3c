"""Does what the request's text says: fail, answer a status, a picture, labels, or tell what arrived."""

import base64

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def handle(data, context):
    if data is None:  # the call that initializes
        return None
    return [answer(row.get("body"), context, index) for index, row in enumerate(data)]


def answer(body, context, index):
    if body == "fail":
        raise ValueError("the number 7 is bad")
    if body == "teapot":
        context.set_response_status(418, "Teapot", index)
        return {"short": "stout"}
    if body == "picture":
        return PIXEL
    if body == "labels":
        return {"cat": 0.7, "<b>dog</b>": 0.25, "fox": 0.05}
    if body == "bytes":
        return b"\x00\xff\x10"
    if body == "header":
        return context.get_request_header(index, "X-Own")
    if isinstance(body, (bytes, bytearray)):
        return f"{context.get_request_header(index, 'Content-Type')}: {len(body)} bytes, {bytes(body[:4])!r}"
    return {"type": type(body).__name__, "value": body}
