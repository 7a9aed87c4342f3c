"""Ends its process when asked to."""

import os
import signal
import sys


def handle(data, context):
    if data is None:
        return None
    wish = data[0].get("body") or ""
    if wish == "exit":
        os._exit(3)
    if wish == "sys.exit":
        sys.exit(4)
    if wish == "kill":
        os.kill(os.getpid(), signal.SIGTERM)
    return ["alive"]
