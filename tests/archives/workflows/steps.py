"""The functions of the workflows in tests: each answers with what it was given and its own name."""

import json
import time


def values(row):
    return {
        name: bytes(value).decode() if isinstance(value, (bytes, bytearray)) else value for name, value in row.items()
    }


def first(data, context):
    if data is None:  # the call that initializes
        return None
    return [f"{values(row).get('body')}>first" for row in data]


def last(data, context):
    if data is None:
        return None
    return [json.dumps(values(row)) for row in data]


def table(data, context):
    if data is None:
        return None
    return [{"rows": 1} for _ in data]


def plain(data, context):
    if data is None:
        return None
    return ["no JSON" for _ in data]


def fail(data, context):
    if data is None:
        return
    print("asked to fail", flush=True)
    raise ValueError("a secret of the owner")


def slow(data, context):
    if data is None:
        return None
    time.sleep(0.5)
    return ["late"]


def parts(data, context):
    if data is None:
        return None
    from ts.handler_utils.utils import send_intermediate_predict_response

    send_intermediate_predict_response(["one "], context.request_ids, "part", 200, context)
    return ["two"]
