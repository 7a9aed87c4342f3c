"""Tells the version of a package that its archive brings, and whether it runs in an environment of its own."""

import os
import sys


def handle(data, context):
    if data is None:
        return None
    import torch
    import words

    own = os.path.basename(os.path.dirname(words.__file__)) == "site-packages" and "venv" in context.model_name
    return [{"words": words.VERSION, "own": own and sys.prefix != sys.base_prefix, "torch": torch.__name__}] * len(data)
