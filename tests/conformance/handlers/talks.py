"""Remembers what was said in each sequence; ``end`` ends one, ``hold <file>`` waits for ``<file>.go``."""

import os
import time


class Talks:
    def initialize(self, context):
        self.said = {}

    def handle(self, data, context):
        return [self.answer(index, row.get("body") or "", context) for index, row in enumerate(data)]

    def answer(self, index, word, context):
        name = context.get_sequence_id(index)
        begins = context.get_request_header(index, context.header_key_sequence_start)
        words = [] if begins == "true" else self.said.get(name, [])
        self.said[name] = [*words, word.split()[0]]
        context.set_response_header(index, context.header_key_sequence_id, name)
        if word == "end":
            context.set_response_header(index, context.header_key_sequence_end, name)
        if word.startswith("hold"):
            hold(word.split()[1])
        return {"words": self.said[name], "begins": begins}


def hold(path):
    with open(f"{path}.begun", "w"):
        pass
    end = time.monotonic() + 20
    while not os.path.exists(f"{path}.go") and time.monotonic() < end:
        time.sleep(0.01)
