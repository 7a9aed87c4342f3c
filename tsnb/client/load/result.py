"""What a load test measured: a table to read, records for a data frame, a figure, and where the knee is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tsnb import html
from tsnb.client.load.order import Step

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame  # type: ignore[import-untyped, unused-ignore]

NEARLY_ALL = 0.9
"""Share of the best throughput from which on more connections bring little."""

KEPT_UP = 0.97
"""Share of an offered rate that counts as keeping up with it."""

GENERATOR_LIMIT = 0.85
"""Share of a core from which on the generator itself may be what limits."""

PERCENTILES = ("p50", "p90", "p95", "p99", "p999")


class LoadResult:
    """The steps of one load test, in the order in which they ran."""

    def __init__(self, model: str, url: str, steps: Sequence[Step]) -> None:
        self.model = model
        self.url = url
        self.steps = list(steps)

    @property
    def open_loop(self) -> bool:
        """Whether requests fell due at a rate; else each connection waited for its answer."""
        return any(step.rate for step in self.steps)

    @property
    def knee(self) -> Step | None:
        """Where more load stops to bring more answers; None where no load beyond it was tried, or nothing worked.

        Of connections: the fewest that reach 90 % of the best throughput. Of rates: the highest that was kept up with.
        """
        found = self._turn()
        return found if found is not None and load(found) < max(map(load, self.steps)) else None

    def _turn(self) -> Step | None:
        """The knee, or the highest load where the knee is beyond it."""
        working = [step for step in self.steps if step.requests]
        if self.open_loop:
            kept = [step for step in working if keeps_up(step)]
            return max(kept, key=lambda step: step.rate, default=None)
        best = max((step.throughput for step in working), default=0.0)
        enough = [step for step in working if step.throughput >= NEARLY_ALL * best]
        return min(enough, key=lambda step: step.connections, default=None)

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dictionary per step; times in milliseconds, throughput per second."""
        return [_record(step) for step in self.steps]

    @property
    def dataframe(self) -> DataFrame:
        """The steps as a pandas table. Raises ImportError where pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "A data frame needs pandas: pip install pandas. `.records` is the same as a list."
            ) from error
        return pandas.DataFrame(self.records)

    def figure(self) -> Figure:
        """Throughput and latency against the load. Raises ImportError where matplotlib is not installed."""
        try:
            from matplotlib import pyplot
        except ImportError as error:
            raise ImportError("A figure needs matplotlib: pip install matplotlib.") from error
        figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(6.4, 5.2), layout="constrained")
        loads = [load(step) for step in self.steps]
        above.plot(loads, [step.throughput for step in self.steps], "o-", color="C0")
        above.set_ylabel("answers per second")
        above.set_ylim(bottom=0)
        for name in ("p50", "p95", "p99"):
            below.plot(loads, [1e3 * getattr(step, name) or None for step in self.steps], "o-", label=name)
        below.set_ylabel("latency, ms")
        below.set_yscale("log")
        below.set_xlabel("requests due per second" if self.open_loop else "connections")
        below.legend()
        if loads and loads[-1] / max(loads[0], 1e-9) > 4:
            below.set_xscale("log", base=2)
            below.set_xticks(loads, [f"{each:g}" for each in loads])
        if self.knee is not None:
            for axes in (above, below):
                axes.axvline(load(self.knee), color="0.6", linestyle="--", linewidth=1)
        figure.suptitle(self.model)
        pyplot.close(figure)  # what is returned is shown once, by whoever asked for it
        return figure

    def notes(self) -> list[str]:
        """What the numbers alone do not say."""
        found = [self._knee_words()] if len(self.steps) > 1 and any(step.requests for step in self.steps) else []
        for step in self.steps:
            where = f"at {load(step):g}{'/s' if step.rate else ''}"
            if step.unsent:
                found.append(
                    f"{html.count_text(step.unsent, 'request')} could not be sent {where}: no connection was free."
                )
            if step.busy > GENERATOR_LIMIT:
                found.append(
                    f"The generator itself was busy {where} ({step.busy:.0%} of a core): the server may do more."
                )
            if step.stopped:
                found.append(f"Stopped {where} after {html.seconds_text(step.seconds)}.")
        return found

    def _knee_words(self) -> str:
        knee, turn = self.knee, self._turn()
        if self.open_loop:
            if turn is None:
                return "The server kept up with none of these rates."
            if knee is None:
                return "The server kept up with all of these rates: the knee is beyond them."
            return f"Knee at {knee.rate:g} per second: the highest of these rates that the server kept up with."
        if knee is None:
            return "Throughput still grew with the last connections: the knee is beyond them."
        return (
            f"Knee at {html.count_text(knee.connections, 'connection')}: 90 % of the best throughput is reached there; "
            "with more, requests mostly wait longer."
        )

    def __repr__(self) -> str:
        rows = [self.headings, *([str(cell) for cell in row] for row in self.rows())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.headings))]
        table = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        problems = [f"  {text}: {count:,}" for text, count in self.problems().items()]
        return "\n".join([f"load test of {self.model}", *table, *problems, *self.notes()])

    def _repr_html_(self) -> str:
        return html.page(html.tag("span", f"load test of {self.model}", class_="tsnb-title"), *self.parts())

    def parts(self) -> list[html.Markup]:
        """The table, what went wrong, and the notes."""
        problems = [html.line(html.badge(text, "bad"), f"{count:,} ×") for text, count in self.problems().items()]
        notes = [html.tag("div", note, class_="tsnb-dim") for note in self.notes()]
        return [html.table(self.headings, self.rows()), *problems, *notes]

    @property
    def headings(self) -> list[str]:
        """Of the table's columns."""
        return ["due/s" if self.open_loop else "connections", "answers/s", "p50", "p95", "p99", "longest", "errors"]

    def rows(self) -> list[list[object]]:
        """A row of the table for each step."""
        return [
            [
                html.Number(f"{load(step):g}"),
                html.Number(rate_text(step.throughput)),
                *(_latency(value) for value in (step.p50, step.p95, step.p99, step.longest)),
                html.Number(f"{step.errors:,}"),
            ]
            for step in self.steps
        ]

    def problems(self) -> dict[str, int]:
        """What went wrong in all steps together → how often."""
        found: dict[str, int] = {}
        for step in self.steps:
            for text, count in step.problems.items():
                found[text] = found.get(text, 0) + count
        return found


def load(step: Step) -> float:
    """What a step varies: connections, or the rate."""
    return step.rate or step.connections


def keeps_up(step: Step) -> bool:
    """Whether nearly all requests of an open loop were answered well in their time."""
    return step.throughput >= KEPT_UP * step.rate and not step.unsent


def rate_text(rate: float) -> str:
    """``12,345``, ``98.7``, ``0.53``."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _latency(seconds: float) -> html.Number:
    return html.seconds_text(seconds) if seconds else html.Number("–")


def _record(step: Step) -> dict[str, Any]:
    times = {f"{name}_ms": getattr(step, name) * 1e3 for name in ("mean", *PERCENTILES, "longest")}
    names = ("connections", "rate", "seconds", "requests", "errors", "throughput", "unsent", "received", "busy")
    return {**{name: getattr(step, name) for name in names}, **times}
