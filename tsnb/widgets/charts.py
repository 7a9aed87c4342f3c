"""Small charts as plain data: one drawing, which a page builds as elements and Python writes as SVG.

A :data:`Shape` is ``[tag, attributes, children]``; a child is a Shape or text.
Colours are classes of the style sheet, so that a chart follows the theme, and
no chart tells anything by colour alone: lines are dashed differently and named
at their end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tsnb import html

Shape = list[Any]

STYLE = (Path(__file__).parent / "charts.css").read_text(encoding="utf-8")
"""The rules that the classes here need."""

SPARK_WIDTH, SPARK_HEIGHT = 120, 24

WIDTH, HEIGHT = 420, 204
LEFT, RIGHT, TOP, BOTTOM = 54, 40, 26, 34


def page(*children: object) -> html.Markup:
    """:func:`tsnb.html.page` with the rules that charts need."""
    return html.page(html.Markup(f"<style>{STYLE}</style>"), *children)


def shape(tag: str, *children: Any, **attributes: object) -> Shape:
    """One element. ``class_`` is ``class``, ``_`` in other names is ``-``."""
    named = {key.rstrip("_").replace("_", "-"): _short(value) for key, value in attributes.items()}
    return [tag, named, list(children)]


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def markup(drawn: Shape | str) -> html.Markup:
    """A shape as SVG text."""
    if isinstance(drawn, str):
        return html.escape(drawn)
    tag, attributes, children = drawn
    return html.tag(tag, *map(markup, children), **attributes)


_LINE = {"stroke": "#2b7de9", "stroke-width": 2, "fill": "none"}

PLAIN: dict[str, dict[str, object]] = {
    "tsnb-chart": {"width": WIDTH},
    "tsnb-spark": {"width": 84, "height": 20},
    "tsnb-spark-bars": {**_LINE, "stroke-width": 1.4},
    "tsnb-grid": {"stroke": "#ccc"},
    "tsnb-mark": {"stroke": "#888", "stroke-dasharray": "3 3"},
    "tsnb-curve tsnb-curve-0": _LINE,
    "tsnb-curve tsnb-curve-1": {**_LINE, "stroke": "#d9631e", "stroke-dasharray": "7 3"},
    "tsnb-curve tsnb-curve-2": {**_LINE, "stroke": "#c377a8", "stroke-dasharray": "2 3"},
    "tsnb-dot-0": {"fill": "#2b7de9"},
    "tsnb-dot-1": {"fill": "#d9631e"},
    "tsnb-dot-2": {"fill": "#c377a8"},
    "tsnb-tick": {"fill": "#888", "font-size": 11},
    "tsnb-tick tsnb-name": {"fill": "#888", "font-size": 11, "font-weight": 600},
}
"""How each class looks on a page that takes style sheets away; where there is one, its rules are stronger."""


def static(drawn: Shape | str) -> html.Markup:
    """A shape as SVG text for a page that is saved: readable, too, where the style sheet is taken away."""
    if isinstance(drawn, str):
        return html.escape(drawn)
    tag, attributes, children = drawn
    return html.tag(tag, *map(static, children), **{**PLAIN.get(attributes.get("class", ""), {}), **attributes})


def sparkline(values: Sequence[float | None], label: str) -> Shape:
    """Bars without axes, one for each moment; None is a gap. ``label`` says in words what they show."""
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    step = SPARK_WIDTH / max(len(values), 1)
    foot = SPARK_HEIGHT - 1
    bars = [
        f"M{(index + 0.5) * step:.1f} {foot}V{foot - 1 - (foot - 2) * value / top:.1f}"
        for index, value in enumerate(values)
        if value
    ]
    return shape(
        "svg",
        shape("path", d=f"M0 {foot}.5H{SPARK_WIDTH}", class_="tsnb-grid"),
        shape("path", d="".join(bars), class_="tsnb-spark-bars"),
        viewBox=f"0 0 {SPARK_WIDTH} {SPARK_HEIGHT}",
        class_="tsnb-spark",
        role="img",
        aria_label=label,
        preserveAspectRatio="none",
    )


class Line(NamedTuple):
    """One line of a chart: its name, a value for each place (None: none yet), and its style, 0 to 2."""

    name: str
    values: Sequence[float | None]
    style: int = 0


class Axis(NamedTuple):
    """What the upright axis shows: its name, how a value is written, and whether it grows by factors."""

    name: str
    text: Callable[[float], str]
    log: bool = False


def chart(
    lines: Sequence[Line],
    places: Sequence[float],
    labels: Sequence[tuple[float, str]],
    across: str,
    axis: Axis,
    *,
    mark: tuple[float, str] | None = None,
    dots: bool = True,
) -> Shape:
    """Lines over ``places`` from 0 to 1; ``labels`` stand below; ``mark`` is a dashed upright line with its name."""
    known = [value for line in lines for value in line.values if value is not None and (value > 0 or not axis.log)]
    scale, ticks = _log_scale(known) if axis.log else _linear_scale(known)
    drawn = [_grid(scale(tick), axis.text(tick)) for tick in ticks]
    drawn += [_text(_x(at), HEIGHT - BOTTOM + 15, text, "middle") for at, text in labels]
    drawn += [_text(_x(0.5), HEIGHT - 3, across, "middle"), _text(2.0, 11, axis.name, "start", "tsnb-name")]
    if mark is not None:
        x = _x(mark[0])
        drawn.append(shape("line", x1=x, x2=x, y1=TOP - 10, y2=HEIGHT - BOTTOM, class_="tsnb-mark"))
        drawn.append(_text(x + 4, TOP - 3, mark[1], "start"))
    ends: list[float] = []
    for line in lines:
        drawn += _line(line, places, scale, axis, ends, dots=dots)
    return shape(
        "svg",
        *drawn,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="tsnb-chart",
        role="img",
        aria_label=_words(lines, labels, across, axis),
    )


def _line(
    line: Line, places: Sequence[float], scale: Callable[[float], float], axis: Axis, ends: list[float], *, dots: bool
) -> list[Shape]:
    points = [
        (_x(place), _y(scale(value)), value)
        for place, value in zip(places, line.values, strict=True)
        if value is not None and (value > 0 or not axis.log)
    ]
    if not points:
        return []
    drawn = [_path([(x, y) for x, y, _ in points], f"tsnb-curve tsnb-curve-{line.style}")]
    if dots:
        drawn += [
            shape(
                "circle",
                shape("title", f"{line.name} {axis.text(value)}"),
                cx=x,
                cy=y,
                r=3,
                class_=f"tsnb-dot-{line.style}",
            )
            for x, y, value in points
        ]
    if line.name:
        x, y, _ = points[-1]
        while any(abs(y - taken) < 11 for taken in ends):
            y -= 11
        ends.append(y)
        drawn.append(_text(x + 6, y + 4, line.name, "start", ""))
    return drawn


def _words(lines: Sequence[Line], labels: Sequence[tuple[float, str]], across: str, axis: Axis) -> str:
    """The chart in one sentence, for those who do not see it; the table beside it has the numbers."""
    known = [(line.name or axis.name, [value for value in line.values if value is not None]) for line in lines]
    told = [f"{name} from {axis.text(found[0])} to {axis.text(found[-1])}" for name, found in known if found]
    return f"{axis.name} against {across}: {', '.join(told)}" if told else f"{axis.name} against {across}: nothing yet"


def _path(points: Sequence[tuple[float, float]], class_: str) -> Shape:
    if len(points) == 1:
        points = [points[0], (points[0][0] + 0.5, points[0][1])]
    return shape("path", d="M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=class_, fill="none")


def _grid(at: float, text: str) -> Shape:
    y = _y(at)
    line = shape("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="tsnb-grid")
    return shape("g", line, _text(LEFT - 6, y + 4, text, "end"))


def _text(x: float, y: float, text: str, anchor: str, class_: str = "") -> Shape:
    return shape("text", text, x=float(x), y=float(y), text_anchor=anchor, class_=f"tsnb-tick {class_}".strip())


def _x(at: float) -> float:
    return LEFT + at * (WIDTH - LEFT - RIGHT)


def _y(at: float) -> float:
    return HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM)


def _linear_scale(values: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """From 0 to a round number above the largest value."""
    top = max(values, default=0.0) or 1.0
    step = _round_step(top / 4)
    count = math.ceil(top / step)
    return lambda value: value / (step * count), [step * index for index in range(count + 1)]


def _round_step(wanted: float) -> float:
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted)


def _log_scale(values: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """Between powers of ten that hold all values, at least one decade; with 2 and 5 between where there are few."""
    low = math.floor(math.log10(min(values, default=1e-3)))
    high = max(math.ceil(math.log10(max(values, default=1e-2))), low + 1)
    steps = (1, 2, 5) if high - low <= 2 else (1,)
    ticks = [factor * 10.0**power for power in range(low, high) for factor in steps] + [10.0**high]
    return lambda value: (math.log10(value) - low) / (high - low), ticks
