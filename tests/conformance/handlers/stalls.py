"""Streams ``one``, then makes ``<body>.begun`` and waits for ``<body>.go``, without saying more."""

import os
import time

from ts.handler_utils.utils import send_intermediate_predict_response

PATIENCE = 20.0


def handle(data, context):
    if data is None:
        return None
    path = data[0].get("body")
    if not path:
        return ["well"]
    send_intermediate_predict_response(["one"], context.request_ids, "part", 200, context)
    with open(f"{path}.begun", "w"):
        pass
    end = time.monotonic() + PATIENCE
    while not os.path.exists(f"{path}.go") and time.monotonic() < end:
        time.sleep(0.01)
    return ["two"]
