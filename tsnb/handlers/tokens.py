"""Texts to tokens and n-grams, as torchtext did it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

_SEPARATE = str.maketrans({mark: f" {mark} " for mark in "'.,()!?"} | {'"': "", ";": " ", ":": " "})


def basic_english(text: str) -> list[str]:
    """Lower-case words and marks; quotation marks, colons, semicolons and ``<br />`` are dropped."""
    return text.lower().replace("<br />", " ").translate(_SEPARATE).split()


TOKENIZERS: dict[str | None, Callable[[str], list[str]]] = {None: str.split, "basic_english": basic_english}


def get_tokenizer(
    tokenizer: str | Callable[[str], list[str]] | None, language: str = "en"
) -> Callable[[str], list[str]]:
    """The tokenizer of a name (``basic_english``, or None for splitting at blanks), or the function that was given.

    Raises ValueError for another name, or for another language than English.
    """
    if callable(tokenizer):
        return tokenizer
    if tokenizer not in TOKENIZERS:
        raise ValueError(f"there is no tokenizer {tokenizer!r} here: give basic_english, None or a function")
    if tokenizer == "basic_english" and language != "en":
        raise ValueError(f"basic_english splits English text only, not {language!r}")
    return TOKENIZERS[tokenizer]


def ngrams_iterator(token_list: Sequence[str], ngrams: int) -> Iterator[str]:
    """All tokens, then all pairs of neighbours joined by a blank, and so on up to ``ngrams`` at a time."""
    yield from token_list
    for size in range(2, ngrams + 1):
        for start in range(len(token_list) - size + 1):
            yield " ".join(token_list[start : start + size])
