"""Verses, sent word by word while they are made. The model is a table: which words follow which."""

import itertools
import os

from ts.handler_utils.utils import send_intermediate_predict_response
from ts.torch_handler.base_handler import BaseHandler


class Verses(BaseHandler):
    def initialize(self, context):
        """Read the text; note what follows each word, in order."""
        path = os.path.join(context.system_properties["model_dir"], "verses.txt")
        with open(path, encoding="utf-8") as file:
            words = file.read().split()
        self.followers = {}
        for word, follower in itertools.pairwise(words):
            self.followers.setdefault(word, []).append(follower)
        self.initialized = True

    def handle(self, data, context):
        """``{"start": word, "words": number}`` for each request; all of a batch are sent in step."""
        requests = [row.get("data") or row.get("body") for row in data]
        texts = [self.walk(request["start"], request.get("words", 8)) for request in requests]
        longest = max(len(text) for text in texts)
        for step in range(longest - 1):
            words = [f"{text[step]} " if step < len(text) - 1 else "" for text in texts]
            send_intermediate_predict_response(words, context.request_ids, "Intermediate", 200, context)
        return [f"{text[-1]}\n" for text in texts]

    def walk(self, word, length):
        """A walk through the text: at each visit of a word the next of its followers."""
        visits, found = {}, [word]
        while len(found) < length and word in self.followers:
            known = self.followers[word]
            visits[word] = visits.get(word, 0) + 1
            word = known[visits[word] % len(known)]
            found.append(word)
        return found
