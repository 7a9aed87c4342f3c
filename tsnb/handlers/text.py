"""What handlers of text have in common (spec 6.6)."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from abc import ABC
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from tsnb.handlers import contractions, tokens
from tsnb.handlers.base import BaseHandler
from tsnb.handlers.context import Context
from tsnb.handlers.explaining import attribution
from tsnb.handlers.vocabulary import load_vocabulary

VOCABULARY = "source_vocab.pt"
_MARKUP = re.compile(r"<.*?>|&(?:[a-z0-9]+|#[0-9]{1,6}|#x[0-9a-f]{1,6});")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextHandler(BaseHandler, ABC):
    """Loads the vocabulary beside the model, and has the steps that clean a text."""

    def __init__(self) -> None:
        super().__init__()
        self.source_vocab: Any = None

    def initialize(self, context: Context) -> None:
        """As the base handler, and the vocabulary. Raises RuntimeError where the archive has none."""
        super().initialize(context)
        named = (self.manifest or {}).get("model", {}).get("sourceVocab")
        model_dir = context.system_properties["model_dir"]
        path = os.path.join(model_dir, named) if named else self.get_source_vocab_path(context)
        self.source_vocab = load_vocabulary(path)

    @cached_property
    def lig(self) -> Any:
        """Captum's integrated gradients of the layer ``model.embedding``, made on first use."""
        return attribution("LayerIntegratedGradients", self.model, self.model.embedding)

    def get_source_vocab_path(self, ctx: Context) -> str:
        """Where ``source_vocab.pt`` is. Raises RuntimeError where it is not."""
        path = os.path.join(ctx.system_properties["model_dir"], VOCABULARY)
        if not os.path.isfile(path):
            raise RuntimeError(
                f"Missing {VOCABULARY}: a text handler needs it in the archive (--extra-files {VOCABULARY})"
            )
        return path

    def _expand_contractions(self, text: str) -> str:
        return contractions.expand(text)

    def _remove_accented_characters(self, text: str) -> str:
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

    def _remove_html_tags(self, text: str) -> str:
        return _MARKUP.sub("", text)

    def _remove_punctuation(self, text: str) -> str:
        return text.translate(_NO_PUNCTUATION)

    _remove_puncutation = _remove_punctuation
    """The name it had in the first TorchServe."""

    def _tokenize(self, text: str) -> list[str]:
        return tokens.basic_english(text)

    def get_word_token(self, input_tokens: Sequence[str]) -> list[str]:
        """Tokens without the mark that byte-pair tokenizers put before a word."""
        return [token.replace("Ġ", "") for token in input_tokens]

    def summarize_attributions(self, attributions: torch.Tensor) -> torch.Tensor:
        """Attributions on one scale: a softmax, divided by the norm of its sums over the last dimension."""
        weights = torch.softmax(attributions, dim=0 if attributions.ndim in (0, 1, 3) else 1)
        return torch.div(weights, torch.linalg.vector_norm(weights.sum(dim=-1)))
