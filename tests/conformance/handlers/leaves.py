"""Ends the process while it is loaded."""

import sys


def handle(data, context):
    sys.exit(3)
