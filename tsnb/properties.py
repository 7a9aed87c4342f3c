"""Java's ``.properties`` text, in which TorchServe's settings and snapshots are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_BLANKS = " \t\f"
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_TO_UNESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_KEY = re.compile(r"((?:[^\\=: \t\f]|\\.)*)[ \t\f]*[=:]?[ \t\f]*", re.DOTALL)
_TO_ESCAPE = re.compile(r"[\\=:#!\n\r\t\f]|[^\x20-\x7e]")
_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}


def parse(text: str) -> dict[str, str]:
    """The keys and values of a file's text; of a repeated key the last wins."""
    found: dict[str, str] = {}
    for line in _logical_lines(text):
        match = _KEY.match(line)
        if match is not None:
            found[_unescape(match[1])] = _unescape(line[match.end() :])
    return found


def _logical_lines(text: str) -> Iterator[str]:
    """Lines with their continuations joined; comments and empty lines are left out."""
    pending = ""
    for natural in re.split(r"\r\n|\n|\r", text):
        line = natural.lstrip(_BLANKS)
        if not pending and (not line or line[0] in "#!"):
            continue
        if _continues(line):
            pending += line[:-1]
            continue
        yield pending + line
        pending = ""
    if pending:
        yield pending


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPES.get(code, code)

    plain = _TO_UNESCAPE.sub(one, text)
    # A character beyond 16 bits was written as two escapes.
    return plain if plain == text else plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def dump(values: Mapping[str, str]) -> str:
    """A text that :func:`parse` and Java read back as the same keys and values."""
    return "".join(f"{_escape(key, blanks=True)}={_escape(value)}\n" for key, value in values.items())


def _escape(text: str, blanks: bool = False) -> str:
    def one(match: re.Match[str]) -> str:
        char = match[0]
        if char in _ESCAPED:
            return _ESCAPED[char]
        if char.isascii() and char.isprintable():
            return "\\" + char
        units = char.encode("utf-16-be")
        return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))

    escaped = _TO_ESCAPE.sub(one, text)
    if blanks:
        return escaped.replace(" ", "\\ ")
    return "\\" + escaped if escaped.startswith(" ") else escaped
