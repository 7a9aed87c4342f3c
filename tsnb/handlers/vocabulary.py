"""The vocabulary of a text model, ``source_vocab.pt``: from tokens to numbers, without torchtext.

Published archives hold a plain dict or a ``torchtext.vocab.Vocab`` of one of
two generations. torchtext is no longer made and its last build fits one old
torch only, so its classes are read into :class:`Vocabulary` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from tsnb.handlers.loading import read_torch


class Vocabulary(Mapping[str, int]):
    """Token → number, with torchtext's names; a token that is missing gets the default number if there is one."""

    def __init__(self) -> None:
        self.itos: list[str] = []
        self.stoi: dict[str, int] = {}
        self.default_index: int | None = None

    def __setstate__(self, state: Any) -> None:
        """Take the tokens of any of torchtext's objects: the wrapper, its compiled core, or the first generation."""
        if isinstance(state, tuple):  # the core: version, [default number], tokens, tensors
            _, default, tokens, *_ = state
            self._fill(list(tokens), default[0] if default else None)
        elif "itos" in state:  # the first generation
            self._fill(state["itos"], state.get("unk_index"))
            self.stoi.update(state["stoi"])
        else:  # a module around the core
            core = state.get("vocab") or state["_modules"]["vocab"]
            self._fill(core.itos, core.default_index)

    def _fill(self, tokens: list[str], default: int | None) -> None:
        self.itos = tokens
        self.stoi = {token: number for number, token in enumerate(tokens)}
        self.default_index = default

    def __getitem__(self, token: str) -> int:
        found = self.stoi.get(token, self.default_index)
        if found is None:
            raise KeyError(f"{token!r} is not in the vocabulary, which has no number for unknown tokens")
        return found

    def __contains__(self, token: object) -> bool:
        return token in self.stoi

    def __iter__(self) -> Iterator[str]:
        return iter(self.stoi)

    def __len__(self) -> int:
        return len(self.itos)

    def __call__(self, tokens: Iterable[str]) -> list[int]:
        """The numbers of several tokens."""
        return [self[token] for token in tokens]

    lookup_indices = __call__

    def lookup_token(self, index: int) -> str:
        """The token of a number."""
        return self.itos[index]

    def get_stoi(self) -> dict[str, int]:
        """The numbers by token."""
        return dict(self.stoi)

    def get_itos(self) -> list[str]:
        """The tokens in the order of their numbers."""
        return list(self.itos)

    def get_default_index(self) -> int | None:
        """The number of tokens that are missing, or None."""
        return self.default_index


def _stand_in(module: str) -> type[Vocabulary]:
    """A class under the name that the file has for torchtext's."""
    return type("Vocab", (Vocabulary,), {"__module__": module})


STAND_INS = [_stand_in(name) for name in ("torchtext.vocab", "torchtext.vocab.vocab", "torchtext._torchtext")]


def load_vocabulary(path: str) -> Any:
    """What a ``source_vocab.pt`` holds; objects of torchtext as :class:`Vocabulary`, anything else as it is."""
    torch.serialization.add_safe_globals([*STAND_INS])
    return read_torch(path, torch.device("cpu"))
