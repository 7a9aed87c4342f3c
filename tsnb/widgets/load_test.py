"""A load test, live: what it does now, what each load brought, and at the end the numbers to go on with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tsnb import html
from tsnb.client import Client
from tsnb.client.load import LoadResult, Order, Run, Step, Tick
from tsnb.client.load.result import rate_text
from tsnb.errors import BadRequest, TsnbError
from tsnb.widgets import assets
from tsnb.widgets.base import Buffers, LiveWidget
from tsnb.widgets.charts import page, static
from tsnb.widgets.facts import Facts
from tsnb.widgets.load_chart import live_charts, step_charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame  # type: ignore[import-untyped, unused-ignore]

STATES: dict[str, tuple[str, html.Tone]] = {
    "ready": ("not started", "quiet"),
    "running": ("running", "busy"),
    "done": ("done", "good"),
    "stopped": ("stopped", "quiet"),
    "failed": ("failed", "bad"),
}


class LoadTest(LiveWidget):
    """One load test. ``result``, ``dataframe`` and ``figure()`` are what it measured so far.

    :meth:`run` runs it here and now, :meth:`start` in the background.
    """

    _esm = assets.script("load_test.js")
    _css = assets.style("card.css")

    def __init__(self, client: Client, model: str, order: Order, what: str) -> None:
        self.order = order
        self._model = model
        self._what = what
        self._steps: list[Step] = []
        self._ticks: list[Tick] = []
        self._state = "ready"
        self._problem = ""
        self._background = False
        self._run = Run(order)
        self._shown_in = 0
        super().__init__(client, self._drawn())

    # --- what it measured ---------------------------------------------------------------------------

    @property
    def result(self) -> LoadResult:
        """The steps that are complete."""
        return LoadResult(self._model, self.order.url, self._steps)

    @property
    def steps(self) -> list[Step]:
        """The steps that are complete, in their order."""
        return list(self._steps)

    @property
    def knee(self) -> Step | None:
        """Where more load stops to bring more answers: see :attr:`LoadResult.knee`."""
        return self.result.knee

    @property
    def dataframe(self) -> DataFrame:
        """The steps as a pandas table. Raises ImportError where pandas is not installed."""
        return self.result.dataframe

    def figure(self) -> Figure:
        """Throughput and latency against the load. Raises ImportError where matplotlib is not installed."""
        return self.result.figure()

    # --- running ------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run to the end, or until it is interrupted, showing how it goes. Raises TsnbError."""
        self._begin(background=False)
        try:
            self._run.follow(self._hear)
        except KeyboardInterrupt:  # the way to stop it: what was measured so far is the result
            self._end("stopped")
            return
        except TsnbError as error:
            self._problem = error.message
            self._end("failed")
            raise
        self._end(self._outcome())

    def start(self) -> threading.Thread:
        """Run in the background; the thread ends with the test. Its news come in on the kernel's loop."""
        self._begin(background=True)
        tell = _on_the_loop()

        def work() -> None:
            try:
                self._run.follow(lambda news: tell(self._hear, news))
            except TsnbError as error:
                self._problem = error.message
                tell(self._end, "failed")
            else:
                tell(self._finish_background)

        thread = threading.Thread(target=work, name="tsnb-loadtest", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End the step that runs, and the test with it."""
        self._run.stop()

    def _begin(self, *, background: bool) -> None:
        if self._state == "running":
            raise BadRequest("This load test is running.")
        self._steps, self._ticks, self._problem, self._background = [], [], "", background
        self._run = Run(self.order)
        self._end("running")

    def _finish_background(self) -> None:
        self._end(self._outcome())

    def _outcome(self) -> str:
        whole = len(self._steps) == len(self.order.stages) and not any(step.stopped for step in self._steps)
        return "done" if whole else "stopped"

    def _hear(self, news: Tick | Step) -> None:
        if isinstance(news, Step):
            self._steps.append(news)
            self._ticks = []
        else:
            self._ticks.append(news)
        self.facts = self._drawn()

    def _end(self, state: str) -> None:
        self._state = state
        self.facts = self._drawn()

    # --- what views see -----------------------------------------------------------------------------

    def read(self) -> Facts:
        """Nothing of the server is asked while it is under load."""
        return self._drawn()

    def busy(self) -> bool:
        """Whether it runs, and views that missed something should look again soon."""
        return self._state == "running"

    def _on_stop(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        self.stop()
        return {}

    def _on_again(self, content: Mapping[str, Any], buffers: Buffers) -> Facts:
        self.start()
        return {}

    def _drawn(self) -> Facts:
        result, stages = self.result, self.order.stages
        running = self._state == "running"
        at = min(len(self._steps), len(stages) - 1)
        word, tone = STATES[self._state]
        live = live_charts(stages[at], self._ticks) if running and self._ticks else []
        return {
            "model": self._model,
            "what": self._what,
            "state": word,
            "tone": tone,
            "running": running,
            "background": self._background,
            "progress": self._progress() if running else 1.0,
            "now": self._now(at) if running else "",
            "charts": step_charts(stages, result) if result.steps else [],
            "live": live,
            "headings": result.headings,
            "rows": [[str(cell) for cell in row] for row in result.rows()],
            "knee": result.steps.index(result.knee) if result.knee is not None else -1,
            "errors": [[text, f"{count:,}"] for text, count in result.problems().items()],
            "notes": result.notes() if not running else [],
            "failed": self._problem,
            "problem": "",
            "gone": False,
        }

    def _progress(self) -> float:
        lengths = [stage.seconds + stage.warmup for stage in self.order.stages]
        past, here = sum(lengths[: len(self._steps)]), lengths[min(len(self._steps), len(lengths) - 1)]
        return round((past + min(self._ticks[-1].at if self._ticks else 0.0, here)) / sum(lengths), 3)

    def _now(self, at: int) -> str:
        stage = self.order.stages[at]
        what = f"{stage.rate:g} due per second" if stage.rate else html.count_text(stage.connections, "connection")
        words = f"step {at + 1} of {len(self.order.stages)}: {what}"
        if not self._ticks:
            return f"{words}, starting"
        tick = self._ticks[-1]
        now = f"{rate_text(tick.throughput)} answers/s, p50 {html.seconds_text(tick.p50)}"
        return f"{words}, {'warming up' if tick.warming else now}"

    def __repr__(self) -> str:
        if not self._steps:
            return f"load test of {self._model}: {STATES[self._state][0]}"
        return repr(self.result)

    def _repr_html_(self) -> str:
        word, tone = STATES[self._state]
        title = html.tag("span", f"load test of {self._model}", class_="tsnb-title")
        head = html.line(title, html.badge(word, tone), html.tag("span", self._what, class_="tsnb-dim"))
        charts = html.tag("div", *map(static, self.facts["charts"]), class_="tsnb-charts") if self._steps else None
        return page(head, charts, *(self.result.parts() if self._steps else []))

    def shown_in(self, execution: int) -> None:
        """It is on show in the output of this cell, so the value of the cell need not be shown again."""
        self._shown_in = execution

    def _ipython_display_(self) -> None:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        shell = get_ipython()
        if shell is not None and self._shown_in == shell.execution_count:
            self._shown_in = 0
            return
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]


def words(order: Order) -> str:
    """What a load test does, in a few words."""
    stages = order.stages
    loads = ", ".join(f"{load_of:g}" for load_of in (stage.rate or stage.connections for stage in stages))
    what = f"{loads} requests due per second" if stages[0].rate else f"{loads} connections"
    return f"{what}, {html.seconds_text(stages[0].seconds)} each, {html.bytes_text(len(order.body))} sent per request"


def _on_the_loop() -> Any:
    """A way to call back on the kernel's loop from another thread; where no loop runs, at once."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return lambda function, *arguments: function(*arguments)
    return loop.call_soon_threadsafe
