"""Answers in steps: ``go 3`` in three parts, ``plain`` at once, ``fail 2`` with an error in the second step."""

import json


class Steps:
    def initialize(self, context):
        self.known = {}

    def handle(self, data, context):
        answers, criteria = [], []
        for index, row in enumerate(data):
            word = row.get("body")
            word = word.decode() if isinstance(word, bytearray) else word
            state = self.known.setdefault(context.get_request_id(index), {"word": word, "step": 0})
            state["step"] += 1
            what, _, last = state["word"].partition(" ")
            if what == "fail" and state["step"] == int(last):
                raise ValueError("as it was asked")
            done = None if what == "plain" else state["step"] == int(last)
            criteria.append(lambda answer, done=done: done)
            seen = {"step": state["step"], "row": sorted(row), "own": context.get_request_header(index, "X-Own")}
            answers.append(json.dumps(seen, sort_keys=True) + "\n")
        context.stopping_criteria = criteria
        return answers
