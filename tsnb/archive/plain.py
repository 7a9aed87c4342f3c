"""Text that came out of an archive, made fit to be shown: nothing in it may steer a terminal or hide code."""

from __future__ import annotations

import unicodedata
from typing import Any

MAX_SHOWN = 200
"""Characters of a name or value."""

_KEPT = {"\n", "\t"}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control and format characters (the ones that turn the direction of writing are among them), halves and unknowns."""


def visible(text: str) -> str:
    """The text with control, format and unknown characters written as ``\\u202e``; line ends and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter if letter in _KEPT or unicodedata.category(letter) not in _HIDDEN else _escaped(letter)
        for letter in text
    )


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def short(value: Any, most: int = MAX_SHOWN) -> str:
    """A name or value in one line of at most ``most`` characters."""
    text = value if isinstance(value, str) else _repr(value)
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return visible(cut).replace("\n", "\\n").replace("\t", "\\t")


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of too many digits
        return f"({type(value).__name__})"
