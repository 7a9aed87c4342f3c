"""The default handler ``text_classifier``: the probability of each class for a text (spec 6.6)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch

from tsnb.handlers.labels import map_class_to_label
from tsnb.handlers.text import TextHandler
from tsnb.handlers.tokens import ngrams_iterator


class TextClassifier(TextHandler):
    """Calls ``model(ids, offsets)``, as ``torch.nn.EmbeddingBag`` takes it; answers ``{label: probability}``."""

    ngrams = 2

    def preprocess(self, data: list[dict[str, Any]]) -> tuple[torch.Tensor, Any]:
        """The ids of all texts in one row, and the words: a list of them for one text, a list of lists for several."""
        words = [self._words(row.get("data") or row.get("body") or "") for row in data]
        ids = [self.source_vocab[token] for found in words for token in ngrams_iterator(found, self.ngrams)]
        return torch.tensor(ids, dtype=torch.long, device=self.device), words[0] if len(words) == 1 else words

    def _words(self, text: str | bytes | bytearray) -> list[str]:
        if isinstance(text, (bytes, bytearray)):
            text = text.decode("utf-8")
        text = self._expand_contractions(self._remove_html_tags(text).lower())
        return self._tokenize(self._remove_punctuation(self._remove_accented_characters(text)))

    def inference(self, data: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Logits of texts × classes; ``data`` is what ``preprocess`` gave."""
        ids, words = data
        return super().inference(ids, self._offsets(words))  # type: ignore[no-any-return]

    def _offsets(self, words: Any) -> torch.Tensor:
        """Where the ids of each text begin."""
        texts: Sequence[Sequence[str]] = words if words and not isinstance(words[0], str) else [words]
        sizes = [sum(1 for _ in ngrams_iterator(text, self.ngrams)) for text in texts]
        return torch.tensor([0, *accumulate(sizes[:-1])], device=self.device)

    def postprocess(self, data: torch.Tensor) -> list[Any]:
        """Logits to one dict of all classes per text."""
        return list(map_class_to_label(torch.softmax(data, dim=1).tolist(), self.mapping))

    def get_insights(self, text_preprocess: Any, _: Any, target: int = 0) -> list[Any]:
        """How much the embedding of each n-gram speaks for ``target``. Needs the package captum."""
        ids, words = text_preprocess
        attributions = self.lig.attribute(
            ids, torch.zeros_like(ids), additional_forward_args=self._offsets(words), target=target
        )
        weights = self.summarize_attributions(attributions)
        return [{"importances": weights.tolist(), "words": self.get_word_token(words)}]
