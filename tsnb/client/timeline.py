"""Where the time of a request went: a stacked bar with a legend, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tsnb import html

ORDER = ("queue", "batch", "decode", "preprocess", "inference", "postprocess", "handle", "encode", "worker", "other")
"""Every part a timeline can have, in the order in which a request goes through them."""

MEANINGS = {
    "queue": "waited for an idle worker",
    "batch": "waited for its batch to fill",
    "handle": "in the handler, outside its three stages",
    "worker": "in the worker",
    "other": "on the way between server and worker",
}

_STAGES = ("preprocess", "inference", "postprocess")
_OWN = 0.05
"""Share of the whole from which on the handler's time outside its stages is a part of its own."""


class Part(NamedTuple):
    """One stage and the seconds it took."""

    name: str
    seconds: float


def parts(timings: Mapping[str, float], total: float | None = None) -> list[Part]:
    """The stages of a request, in order, that add up to ``total`` seconds (default: ``timings["total"]``).

    ``handle`` is what the handler did outside of its stages; ``worker`` stands for all of them where the
    worker could not say; ``other`` is the rest.
    """
    whole = timings.get("total", 0.0) if total is None else total
    found = {name: max(timings[name], 0.0) for name in ORDER if name in timings and name not in ("handle", "worker")}
    if "handle" in timings:
        own = timings["handle"] - sum(found.get(stage, 0.0) for stage in _STAGES)
        if own > _OWN * whole or not any(stage in found for stage in _STAGES):
            found["handle"] = max(own, 0.0)
    elif "worker" in timings:
        found["worker"] = timings["worker"]
    if found and whole:
        found["other"] = max(whole - sum(found.values()), 0.0)
    return [Part(name, found[name]) for name in ORDER if name in found]


def text(timings: Mapping[str, float], total: float | None = None, batch: int = 0) -> str:
    """The parts on one line: ``queue 0.12 ms · inference 3.1 ms · other 0.4 ms · in a batch of 8``."""
    words = [_words(part) for part in parts(timings, total)]
    return " · ".join([*words, f"in a batch of {batch}"] if batch > 1 and words else words)


def brief(timings: Mapping[str, float], total: float | None = None) -> str:
    """The two longest parts, as a cell of a table."""
    longest = sorted(parts(timings, total), key=lambda part: part.seconds, reverse=True)[:2]
    return ", ".join(map(_words, longest))


def bar(timings: Mapping[str, float], total: float | None = None) -> html.Markup | None:
    """The stacked bar alone; what it shows is its label. None where nothing is known."""
    found = parts(timings, total)
    whole = sum(part.seconds for part in found)
    if not whole:
        return None
    pieces = [
        html.tag(
            "i", class_=f"tsnb-stage-{part.name}", style=f"flex-grow:{part.seconds / whole:.4f}", title=_words(part)
        )
        for part in found
        if part.seconds
    ]
    return html.tag("span", *pieces, class_="tsnb-stages", role="img", aria_label=", ".join(map(_words, found)))


def timeline(timings: Mapping[str, float], total: float | None = None, batch: int = 0) -> html.Markup | None:
    """The bar and its legend. None where nothing is known."""
    drawn = bar(timings, total)
    if drawn is None:
        return None
    keys = [_key(part) for part in parts(timings, total)]
    mates = html.tag("span", f"in a batch of {batch}", class_="tsnb-dim") if batch > 1 else None
    return html.tag("div", drawn, html.line(*keys, mates, class_="tsnb-keys"), class_="tsnb-timeline")


def _key(part: Part) -> html.Markup:
    swatch = html.tag("i", class_=f"tsnb-stage-{part.name}", aria_hidden="true")
    seconds = html.tag("span", milliseconds(part.seconds), class_="tsnb-num")
    return html.tag("span", swatch, part.name, " ", seconds, title=MEANINGS.get(part.name))


def _words(part: Part) -> str:
    return f"{part.name} {milliseconds(part.seconds)}"


def milliseconds(seconds: float) -> html.Number:
    """Always in milliseconds, so that the parts of one request can be compared: ``0.12 ms``, ``3.1 ms``, ``120 ms``."""
    value = seconds * 1e3
    digits = 2 if value < 0.995 else 1 if value < 99.5 else 0
    return html.Number(f"{value:.{digits}f} ms")
