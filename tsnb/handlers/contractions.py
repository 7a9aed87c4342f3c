"""English contractions and what they stand for, as the texts of TorchServe's classifiers are prepared."""

from __future__ import annotations

import re

SPECIAL = {
    "ain't": "is not",
    "can't": "cannot",
    "'cause": "because",
    "let's": "let us",
    "ma'am": "madam",
    "o'clock": "of the clock",
    "sha'n't": "shall not",
    "shan't": "shall not",
    "so's": "so as",
    "won't": "will not",
    "y'all": "you all",
}
ENDINGS = {
    "n't": ("not", "are could did does do had has have is might must may need ought should was were would"),
    "'ve": ("have", "could I i might must should so they to we what when where who why will would you"),
    "'d": ("would", "he I i it she that there they we you"),
    "'ll": ("will", "he how I i it she they we what who you"),
    "'s": ("is", "he how it she that there what when where who why"),
    "'re": ("are", "they we what you"),
    "'m": ("am", "I i"),
}
"""Ending → the word it stands for, and the words that take it."""

CONTRACTION_MAP = SPECIAL | {
    f"{word}{ending}": f"{word} {full}" for ending, (full, words) in ENDINGS.items() for word in words.split()
}
CONTRACTION_MAP |= {"how'd": "how did", "where'd": "where did"}

_PATTERN = re.compile("|".join(map(re.escape, CONTRACTION_MAP)), re.IGNORECASE)


def expand(text: str) -> str:
    """Write contractions out, wherever they stand, even inside a word; other apostrophes vanish.

    The first letter stays what it was, so that ``ain't`` becomes ``as not``:
    vocabularies of archives were made from such text.
    """
    return _PATTERN.sub(lambda found: found[0][0] + _full(found[0])[1:], text).replace("'", "")


def _full(contraction: str) -> str:
    return CONTRACTION_MAP.get(contraction) or CONTRACTION_MAP[contraction.lower()]
