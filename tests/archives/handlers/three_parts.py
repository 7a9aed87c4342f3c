"""Streams three parts."""

from ts.handler_utils.utils import send_intermediate_predict_response


def handle(data, context):
    if data is None:  # the call that initializes
        return None
    for part in ("one ", "two "):
        send_intermediate_predict_response([part] * len(data), context.request_ids, "part", 200, context)
    return ["three"] * len(data)
