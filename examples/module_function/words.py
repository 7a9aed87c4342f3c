"""The longest words of a text. A handler can be one function; this one has a model of no weights at all."""

import os
import re

stop_words = set()


def handle(data, context):
    """Called once with ``data=None`` when the model is loaded, then for each batch."""
    if data is None:
        load(context.system_properties["model_dir"])
        return None
    return [longest(row.get("data") or row.get("body") or "") for row in data]


def load(folder):
    with open(os.path.join(folder, "stop_words.txt"), encoding="utf-8") as file:
        stop_words.update(file.read().split())


def longest(text, count=3):
    if isinstance(text, (bytes, bytearray)):
        text = text.decode("utf-8")
    found = {word for word in re.findall(r"\w+", text.lower()) if word not in stop_words}
    return sorted(found, key=lambda word: (-len(word), word))[:count]
