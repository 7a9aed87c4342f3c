"""Streams what the text of the request says."""

import time

from ts.handler_utils.utils import send_intermediate_predict_response


def handle(data, context):
    if data is None:
        return None
    asked = data[0].get("body") or data[0].get("data") or "three"
    if isinstance(asked, (bytes, bytearray)):
        asked = asked.decode()
    return ACTIONS[asked](context)


def send(context, *parts):
    for part in parts:
        send_intermediate_predict_response([part], context.request_ids, "part", 200, context)
        time.sleep(0.02)  # so that each is a chunk of its own


def three(context):
    send(context, "one ", "two ")
    return ["three"]


def objects(context):
    send(context, {"n": 1}, b"\x01\xff", [2])
    return [{"end": True}]


def with_empty(context):
    send(context, "one", "", "two")
    return [""]


def with_header(context):
    context.set_response_header(0, "X-Mine", "first")
    context.set_response_status(203, "Streamed", 0)
    send(context, "one")
    context.set_response_header(0, "X-Late", "second")
    context.set_response_status(500, "Late", 0)
    return ["two"]


def typed(context):
    context.set_response_content_type(0, "text/event-stream")
    send(context, "data: 1\n\n")
    return ["data: [DONE]\n\n"]


def fails_late(context):
    send(context, "one")
    raise ValueError("late")


def fails_early(context):
    raise ValueError("early")


def once(context):
    return ["not streamed"]


ACTIONS = {
    "three": three,
    "objects": objects,
    "with empty": with_empty,
    "with header": with_header,
    "typed": typed,
    "fails late": fails_late,
    "fails early": fails_early,
    "once": once,
}
