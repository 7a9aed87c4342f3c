"""Pleased or cross? The default text classifier for single words, which takes words it never heard of."""

from collections import defaultdict

from ts.torch_handler.text_classifier import TextClassifier


class MoodClassifier(TextClassifier):
    ngrams = 1

    def initialize(self, context):
        super().initialize(context)
        self.source_vocab = defaultdict(int, self.source_vocab)

    def postprocess(self, data):
        """The likeliest mood and how sure the model is, with one decimal."""
        (moods,) = super().postprocess(data)
        mood = max(moods, key=moods.get)
        return [{"mood": mood, "sure": round(moods[mood], 1)}]
