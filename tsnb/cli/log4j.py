"""``--log-config``: what of a log4j2 XML file is honoured (spec 8.3).

Honoured are the appenders Console, File, RollingFile (and their RandomAccess
forms), Null and Async, with ``fileName``, PatternLayout, the size of
SizeBasedTriggeringPolicy and the ``max`` of DefaultRolloverStrategy; loggers
with ``level``, ``additivity`` and references; ``${env:NAME:-default}`` and
Properties. Packed files are named as always. Everything else is named in a
note, and the file counts without it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from msgspec import Struct

from tsnb.cli.log_plan import OFF, Limits, LogPlan, Sink, Spot
from tsnb.engine.log_files import KEEP, SIZE
from tsnb.engine.log_layout import STANDARD, Layout
from tsnb.errors import ConfigError

LOGGERS = {
    "server": "org.pytorch.serve",
    "access": "ACCESS_LOG",
    "model": "MODEL_LOG",
    "ts_metrics": "TS_METRICS",
    "model_metrics": "MODEL_METRICS",
}
"""TorchServe's loggers, by the field of :class:`~tsnb.cli.log_plan.LogPlan`."""

LEVELS = {
    "all": logging.NOTSET,
    "trace": logging.NOTSET,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "off": OFF,
}
PLAIN = "%m%n"
"""The pattern of an appender without a layout, as in log4j."""
_UNITS = {"": 1, "b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]?b?)\s*", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(env:)?([^:}]+)(?::-([^}]*))?\}")
_FILES = ("file", "randomaccessfile", "rollingfile", "rollingrandomaccessfile")
_QUIET = {"timebasedtriggeringpolicy", "policies", "patternlayout", "pattern", "onstartuptriggeringpolicy"}


class Logger(Struct):
    """One logger of the file."""

    level: str
    refs: list[str]
    additive: bool = True


def read(path: Path, environ: Mapping[str, str]) -> tuple[LogPlan, list[str]]:
    """The plan of a file, and what in it is not honoured. Raises ConfigError."""
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - the operator's own file
    except (OSError, ElementTree.ParseError) as error:
        raise ConfigError(f"--log-config {str(path)!r} cannot be read: {error}.") from error
    return Reader(root, environ).plan(path)


class Reader:
    """Reads one file."""

    def __init__(self, root: Element, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ
        self._unknown: list[str] = []
        self._spots: dict[str, list[Spot]] = {}
        self._limits: dict[Path, Limits] = {}
        self._properties = {_get(each, "name"): (each.text or "").strip() for each in self._all("property")}

    def plan(self, path: Path) -> tuple[LogPlan, list[str]]:
        """The plan, and a note of what was left out. Raises ConfigError."""
        for section in self._all("appenders"):
            for appender in section:
                self._appender(appender)
        loggers = {_get(each, "name"): self._logger(each) for each in self._all("logger", "asynclogger")}
        root = next((self._logger(each) for each in self._all("root", "asyncroot")), Logger("error", []))
        if not self._spots:  # as log4j does where nothing is said
            self._spots[""], root = [(None, Layout(STANDARD))], Logger(root.level, [""])
        sinks = {field: self._sink(loggers.get(name), root) for field, name in LOGGERS.items()}
        left_out = ", ".join(dict.fromkeys(self._unknown))
        notes = [f"--log-config {path}: these are not honoured: {left_out}."] if left_out else []
        return LogPlan(**sinks, limits=self._limits), notes

    def _all(self, *tags: str) -> Iterator[Element]:
        return (each for each in self._root.iter() if each.tag.lower() in tags)

    # --- appenders --------------------------------------------------------------------------------

    def _appender(self, element: Element) -> None:
        name, kind = _get(element, "name"), element.tag.lower()
        if kind == "null":
            self._spots[name] = []
        elif kind == "async":
            self._spots[name] = [spot for ref in _refs(element) for spot in self._spots.get(ref, [])]
        elif kind == "console":
            self._spots[name] = [(None, self._layout(element))]
            self._rest_of(element)
        elif kind in _FILES and self._text(_get(element, "fileName")):
            file = Path(self._text(_get(element, "fileName")))
            self._spots[name] = [(file, self._layout(element))]
            self._limits[file] = self._limits_of(element)
            self._rest_of(element)
        else:
            self._unknown.append(f"the appender {name or element.tag} ({element.tag})")

    def _layout(self, element: Element) -> Layout:
        for layout in element.iter():
            if layout.tag.lower() == "patternlayout":
                inner = next((each.text for each in layout if each.tag.lower() == "pattern"), None)
                text = self._text(_get(layout, "pattern") or (inner or "").strip() or PLAIN)
                try:
                    return Layout(text)
                except ValueError as error:
                    self._unknown.append(f"the pattern {text!r} ({error})")
                    return Layout(STANDARD)
        other = any(each.tag.lower().endswith("layout") for each in element)
        return Layout(STANDARD if other else PLAIN)

    def _limits_of(self, element: Element) -> Limits:
        size, keep = SIZE, KEEP
        for each in element.iter():
            if each.tag.lower() == "sizebasedtriggeringpolicy":
                size = self._size(_get(each, "size"))
            elif each.tag.lower() == "defaultrolloverstrategy":
                most = self._text(_get(each, "max"))
                keep = int(most) if most.isdigit() else KEEP
        return Limits(size, keep)

    def _size(self, text: str) -> int:
        found = _SIZE.fullmatch(self._text(text))
        if found is None:
            self._unknown.append(f"the size {text!r}")
            return SIZE
        unit = found[2].lower()
        return max(1, int(float(found[1]) * _UNITS[unit if unit.endswith("b") or not unit else f"{unit}b"]))

    def _rest_of(self, element: Element) -> None:
        """Note what stands in an appender and means nothing here."""
        known = _QUIET | {"sizebasedtriggeringpolicy", "defaultrolloverstrategy"}
        self._unknown += [each.tag for each in element.iter() if each is not element and each.tag.lower() not in known]

    # --- loggers ----------------------------------------------------------------------------------

    def _logger(self, element: Element) -> Logger:
        level = self._text(_get(element, "level")).lower()
        if level and level not in LEVELS:
            self._unknown.append(f"the level {level!r}")
            level = ""
        return Logger(level, _refs(element), _get(element, "additivity").lower() != "false")

    def _sink(self, logger: Logger | None, root: Logger) -> Sink:
        logger = logger or Logger("", [])
        refs = [*logger.refs, *(root.refs if logger.additive else [])]
        spots = [spot for ref in dict.fromkeys(refs) for spot in self._spots.get(ref, [])]
        # An additive logger does not ask its parent's level, only its own.
        return Sink(
            LEVELS[logger.level or root.level or "error"], tuple({path: (path, at) for path, at in spots}.values())
        )

    def _text(self, text: str) -> str:
        """A value with its variables replaced."""

        def one(found: re.Match[str]) -> str:
            source = self._environ if found[1] else self._properties
            return source.get(found[2], found[3] or "")

        return _VARIABLE.sub(one, _VARIABLE.sub(one, text))


def _get(element: Element, name: str) -> str:
    """An attribute, by its name in any case."""
    return next((value for key, value in element.attrib.items() if key.lower() == name.lower()), "")


def _refs(element: Element) -> list[str]:
    return [_get(each, "ref") for each in element if each.tag.lower() == "appenderref"]
