"""Does what the entry ``data`` (or ``body``) of each request says: fail, wait, stream, or tell what arrived."""

import json
import time

from ts.handler_utils.utils import send_intermediate_predict_response
from ts.utils.util import PredictionException


def handle(data, context):
    if data is None:  # the call that initializes
        return None
    return [obey(row, context, index) for index, row in enumerate(data)]


def obey(row, context, index):
    if context.get_request_header(index, "describe"):
        return {"says": "hello"}
    order, _, value = bytes(row.get("data") or row.get("body") or b"").decode("latin-1").partition(" ")
    if order == "raise":
        raise PredictionException("as ordered", int(value))
    if order == "fail":
        raise ValueError("a secret of the owner")
    if order == "status":
        context.set_response_status(int(value), "Ordered", index)
    if order == "sleep":
        time.sleep(float(value))
    if order == "sequence":
        context.set_response_header(index, "ts_request_sequence_id", context.get_sequence_id(index))
    if order == "stream":
        for part in range(int(value)):
            send_intermediate_predict_response([f"part {part} "], context.request_ids, "part", 200, context)
        return "last"
    return json.dumps({name: [type(each).__name__, bytes(each).decode("latin-1")] for name, each in row.items()})
