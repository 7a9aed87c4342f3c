"""Loads when the file ``slow.go`` is in the server's temporary folder."""

import os
import time

PATIENCE = 20.0


def handle(data, context):
    if data is None:
        path = os.path.join(os.environ["TEMP"], "slow.go")
        end = time.monotonic() + PATIENCE
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.01)
        return None
    return ["loaded"] * len(data)
