"""Makes the file ``<body>.begun``, then waits until ``<body>.go`` is there."""

import os
import time

PATIENCE = 20.0


def handle(data, context):
    if data is None:
        return None
    return [hold(row.get("body") or "") for row in data]


def hold(path):
    if not path:
        return "nothing to wait for"
    with open(f"{path}.begun", "w"):
        pass
    end = time.monotonic() + PATIENCE
    while not os.path.exists(f"{path}.go") and time.monotonic() < end:
        time.sleep(0.01)
    return "held"
