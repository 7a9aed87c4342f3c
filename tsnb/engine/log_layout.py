"""How one log line looks: a log4j2 pattern such as ``%d{ISO8601} [%-5p] %t %c - %m%n``. Pure."""

from __future__ import annotations

import re
import time
from functools import lru_cache

_CONVERSION = re.compile(r"%(?P<width>-?\d*)(?:\.-?\d+)?(?P<word>[a-zA-Z]+|%)(?P<options>(?:\{[^}]*\})*)")
_WORDS = {
    "d": "time",
    "date": "time",
    "p": "level",
    "level": "level",
    "t": "thread",
    "tn": "thread",
    "thread": "thread",
    "c": "logger",
    "logger": "logger",
    "m": "message",
    "msg": "message",
    "message": "message",
    "pid": "pid",
}
_OTHERS = re.compile("class|threadId|threadPriority|throwable|tid|tp|map|marker.*|maxLen.*|mdc|method|nano|notEmpty")
"""Words of log4j2 that are not known here, but begin like one that is."""
_DATES = {
    "": "%Y-%m-%d %H:%M:%S,SSS",
    "DEFAULT": "%Y-%m-%d %H:%M:%S,SSS",
    "ISO8601": "%Y-%m-%dT%H:%M:%S,SSS",
    "ABSOLUTE": "%H:%M:%S,SSS",
    "DATE": "%d %b %Y %H:%M:%S,SSS",
    "COMPACT": "%Y%m%d%H%M%SSSS",
}
_LETTERS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMM": "%b",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "EEE": "%a",
    "a": "%p",
    "Z": "%z",
    "XXX": "%z",
    "SSS": "SSS",
}
_DATE_PART = re.compile(r"'([^']*)'|([a-zA-Z])\2*")

STANDARD = "%d{ISO8601} [%-5p] %t %c - %m%n"
"""The server's own words and those of workers."""
BARE = "%d{ISO8601} - %m%n"
"""Requests and metrics."""

LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
"""Python's levels that log4j names otherwise."""


class Layout:
    """A pattern, ready to use. Raises ValueError that names what it cannot do."""

    def __init__(self, pattern: str) -> None:
        self._dates = [""]
        self._format = ""
        end = 0
        for found in _CONVERSION.finditer(pattern):
            self._format += pattern[end : found.start()].replace("%", "%%") + self._part(found)
            end = found.end()
        self._format += pattern[end:].replace("%", "%%")
        self._date = self._dates[-1]

    def _part(self, found: re.Match[str]) -> str:
        word = found["word"]
        if word in ("n", "%"):
            return "\n" if word == "n" else "%%"
        # A conversion word may run into letters after it: the longest known one counts.
        fits = [each for each in _WORDS if word.startswith(each) and not _OTHERS.fullmatch(word)]
        known = max(fits, key=len, default=None)
        if known is None or (known != word and found["options"]):
            if word.startswith("n") and not _OTHERS.fullmatch(word):
                return "\n" + word[1:] + found["options"]
            raise ValueError(f"%{word} is not known")
        if _WORDS[known] == "time":
            self._dates.append(_date(found["options"].split("}")[0].lstrip("{")))
        return f"%({_WORDS[known]}){found['width']}s{word[len(known) :]}"

    def text(self, seconds: float, level: str, thread: str, logger: str, message: str) -> str:
        """One line; ``level`` is Python's name of it."""
        return self._format % {
            "time": self._time(seconds) if self._date else "",
            "level": LEVELS.get(level, level),
            "thread": thread,
            "logger": logger,
            "message": message,
            "pid": "",
        }

    def _time(self, seconds: float) -> str:
        return _to_the_second(self._date, int(seconds)).replace("SSS", f"{int(seconds * 1000) % 1000:03d}")


@lru_cache(maxsize=64)
def _to_the_second(date: str, seconds: int) -> str:
    return time.strftime(date, time.localtime(seconds))


def _date(text: str) -> str:
    """What ``strftime`` takes, with SSS for the milliseconds."""
    if text in _DATES:
        return _DATES[text]

    def one(found: re.Match[str]) -> str:
        if found[1] is not None:
            return found[1] or "'"
        try:
            return _LETTERS[found[0]]
        except KeyError:
            raise ValueError(f"the date format {text!r} has {found[0]!r}, which is not known") from None

    return _DATE_PART.sub(one, text)
