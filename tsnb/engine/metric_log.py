"""``ts_metrics.log`` and ``model_metrics.log``: each value a line, written in batches (spec 3.5, 7.13).

Under load lines would be most of the work of a server. So when more than
:data:`BUSY` values wait to be written, those of one series are put together:
counters as their sum, others as the last. Sums over a log stay right.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tsnb.engine.log_files import RotatingFile
from tsnb.engine.log_layout import BARE, Layout
from tsnb.engine.log_writer import Channel, LogWriter, Output
from tsnb.engine.metric_lines import Line

BUSY = 2000
"""Values that are written one by one, in one fifth of a second."""

Event: TypeAlias = tuple[float, Line, float, str]
"""Unix time, series, value, and the ids of the requests with commas between them."""

SERVER, MODEL = "ts_metrics.log", "model_metrics.log"


class MetricLog:
    """Takes values as they come. One of the two channels may be missing: those values are not written."""

    def __init__(self, server: Channel[Event] | None, model: Channel[Event] | None) -> None:
        self._server = server
        self._model = model
        self._own: LogWriter | None = None

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
        """Note one value."""
        log = self._model if line.backend else self._server
        if log is not None:
            log.put((seconds, line, value, request_id))

    def close(self) -> None:
        """Write what is left, where the thread is its own."""
        if self._own is not None:
            self._own.close()


def renderer(name: str, layout: Layout) -> Callable[[list[Event]], str]:
    """What makes text of values."""
    logger = name.removesuffix(".log").upper()

    def render(events: list[Event]) -> str:
        return "".join(
            layout.text(seconds, "INFO", "metrics", logger, line.text(value, seconds, ids))
            for seconds, line, value, ids in (put_together(events) if len(events) > BUSY else events)
        )

    return render


def put_together(events: list[Event]) -> list[Event]:
    """One event for each series: counters added up, the last of the others."""
    found: dict[int, Event] = {}
    for event in events:
        seconds, line, value, ids = event
        before = found.get(id(line))
        found[id(line)] = event if before is None or not line.adds_up else (seconds, line, before[2] + value, ids)
    return list(found.values())
