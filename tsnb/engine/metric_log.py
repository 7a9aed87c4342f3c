"""``ts_metrics.log`` and ``model_metrics.log``: each value a line, written in batches (spec 3.5, 7.13).

Under load lines would be a good part of the work of a server, and fill its
disk. So only :data:`MOST` values of a second have lines of their own; of each
series that changes more often there is one more line at the end of the second:
a counter's with the sum of the rest, others' with the last value. Sums over a
log stay right.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tsnb.engine.log_files import RotatingFile
from tsnb.engine.log_layout import BARE, Layout
from tsnb.engine.log_writer import Channel, LogWriter, Output
from tsnb.engine.metric_lines import Line

MOST = 5000
"""Values that are written one by one in one second."""

Event: TypeAlias = tuple[float, Line, float, str]
"""Unix time, series, value, and the ids of the requests with commas between them."""

SERVER, MODEL = "ts_metrics.log", "model_metrics.log"


class MetricLog:
    """Takes values as they come, on the event loop. Without one of the channels those values are not written."""

    def __init__(self, server: Channel[Event] | None, model: Channel[Event] | None) -> None:
        self._server: Callable[[Event], None] = server.put if server is not None else _nowhere
        self._model: Callable[[Event], None] = model.put if model is not None else _nowhere
        self._own: LogWriter | None = None
        self._since = self._until = 0.0
        self._room = 0
        self._held: dict[int, Event] = {}

    @classmethod
    def in_folder(cls, folder: Path) -> MetricLog:
        """Both files in a folder, with a thread of its own that writes them until :meth:`close`."""
        writer = LogWriter()
        layout = Layout(BARE)
        made = cls(
            *(
                writer.add(Channel(name, [Output([RotatingFile(folder / name)], renderer(name, layout))]))
                for name in (SERVER, MODEL)
            )
        )
        made._own = writer
        writer.start()
        return made

    def put(self, seconds: float, line: Line, value: float, request_id: str = "") -> None:
        """Note one value; ``seconds`` is Unix time."""
        if not self._since <= seconds < self._until:
            self._next_second(seconds)
        if self._room > 0:
            self._room -= 1
            (self._model if line.backend else self._server)((seconds, line, value, request_id))
        else:
            self._hold(seconds, line, value, request_id)

    def _next_second(self, seconds: float) -> None:
        # A clock may go back a little between two values of one moment.
        self._since, self._until, self._room = seconds - 1.0, seconds + 1.0, MOST
        held, self._held = self._held, {}
        for event in held.values():
            (self._model if event[1].backend else self._server)(event)

    def _hold(self, seconds: float, line: Line, value: float, request_id: str) -> None:
        if line.adds_up and (before := self._held.get(id(line))) is not None:
            value += before[2]
        self._held[id(line)] = (seconds, line, value, request_id)

    def close(self) -> None:
        """Write what is left, where the thread is its own."""
        self._next_second(0.0)
        if self._own is not None:
            self._own.close()


def _nowhere(_: Event) -> None:
    """What is not wanted."""


def renderer(name: str, layout: Layout) -> Callable[[list[Event]], str]:
    """What makes text of values."""
    logger = name.removesuffix(".log").upper()

    def render(events: list[Event]) -> str:
        return "".join(
            layout.text(seconds, "INFO", "metrics", logger, line.text(value, seconds, ids))
            for seconds, line, value, ids in events
        )

    return render
