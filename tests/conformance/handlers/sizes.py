"""Says how long a body was; ``give 5`` is answered with five letters, ``part 5`` with as many in a part of a stream."""

from ts.handler_utils.utils import send_intermediate_predict_response


def handle(data, context):
    if data is None:
        return None
    return [answer(next(iter(row.values()), b""), context) for row in data]


def answer(value, context):
    text = value if isinstance(value, str) else bytes(value[:20]).decode()
    word, _, number = text[:20].partition(" ")
    if word == "give":
        return "x" * int(number)
    if word == "part":
        send_intermediate_predict_response(["x" * int(number)], context.request_ids, "part", 200, context)
        return "end"
    return len(value)
