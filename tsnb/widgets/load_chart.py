"""The charts of a load test: what happens now, and what each load brought."""

from __future__ import annotations

from collections.abc import Sequence

from tsnb import html
from tsnb.client.load import LoadResult, Stage, Step, Tick
from tsnb.client.load.result import load, rate_text
from tsnb.widgets.charts import Axis, Line, Shape, chart

RATE = Axis("answers per second", rate_text)
LATENCY = Axis("latency", lambda seconds: str(html.seconds_text(seconds)), log=True)


def step_charts(stages: Sequence[Stage], result: LoadResult) -> list[Shape]:
    """Throughput and latency percentiles against the load; loads that are still to come have their place."""
    loads = [stage.rate or stage.connections for stage in stages]
    places = [index / max(len(loads) - 1, 1) if len(loads) > 1 else 0.5 for index in range(len(loads))]
    labels = [(place, f"{each:g}") for place, each in zip(places, loads, strict=True)]
    steps: list[Step | None] = [*result.steps, *([None] * (len(stages) - len(result.steps)))]
    across = "requests due per second" if result.open_loop else "connections"
    knee = result.knee
    mark = (places[loads.index(load(knee))], "knee") if knee is not None else None
    throughput = [Line("", [step.throughput if step else None for step in steps])]
    percentiles = [
        Line(name, [(getattr(step, name) or None) if step else None for step in steps], style)
        for style, name in enumerate(("p50", "p95", "p99"))
    ]
    return [
        chart(throughput, places, labels, across, RATE, mark=mark),
        chart(percentiles, places, labels, across, LATENCY, mark=mark),
    ]


def live_charts(stage: Stage, ticks: Sequence[Tick]) -> list[Shape]:
    """Throughput and latency over the seconds of the step that runs; its warm-up ends at the mark."""
    whole = stage.seconds + stage.warmup
    places = [min(tick.at / whole, 1.0) for tick in ticks]
    labels = [(0.0, "0"), (1.0, f"{whole:.3g} s")]
    mark = (stage.warmup / whole, "measured from here") if stage.warmup else None
    latency = [
        Line("p50", [tick.p50 or None for tick in ticks], 0),
        Line("p99", [tick.p99 or None for tick in ticks], 2),
    ]
    throughput = [Line("", [tick.throughput for tick in ticks])]
    return [
        chart(throughput, places, labels, "seconds of this step", RATE, mark=mark, dots=False),
        chart(latency, places, labels, "seconds of this step", LATENCY, mark=mark, dots=False),
    ]
