"""The logs of a stand-alone server: its own words, requests, workers' output, metrics (spec 7.13).

All are written by threads, so that a full pipe or a slow disk never holds up
the server. They go to the console and to the folders that ``LOG_LOCATION`` and
``METRICS_LOCATION`` name, ``logs`` where neither does; an empty name means no files.
"""

from __future__ import annotations

import logging
import logging.handlers
import queue
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tsnb.cli import log4j
from tsnb.cli.log_plan import Limits, LogPlan, Sink, default_plan
from tsnb.engine import logs as model_logs
from tsnb.engine.log_files import RotatingFile
from tsnb.engine.log_layout import Layout
from tsnb.engine.log_writer import Channel, Console, LogWriter, Output, Target
from tsnb.engine.logs import EngineLogs
from tsnb.engine.metric_log import MODEL, SERVER, MetricLog
from tsnb.engine.metric_log import renderer as metric_renderer
from tsnb.errors import ConfigError
from tsnb.rest.access_log import AccessLog
from tsnb.rest.access_log import renderer as access_renderer

log = logging.getLogger("tsnb.logs")

DEFAULT = "logs"
"""The folder of a server that is told nothing (spec 7.13)."""

NAMES = {model_logs.LOGGER: "MODEL_LOG"}
"""Loggers that log files name otherwise."""

T = TypeVar("T")


class Logs:
    """What the parts of a server write to; None where nobody wants it."""

    def __init__(self, plan: LogPlan) -> None:
        self.writer = LogWriter()
        self._plan = plan
        self._files: dict[Path, RotatingFile] = {}
        access = self._channel("access_log.log", plan.access, access_renderer)
        self.access = AccessLog(access) if access is not None else None
        # The console has a part of it already, among the server's own words.
        files = Sink(plan.model.level, tuple(spot for spot in plan.model.spots if spot[0] is not None))
        model = self._channel(
            "model_log.log",
            files,
            lambda layout: model_logs.renderer(layout, plan.model.level),
            level=logging.CRITICAL,
            most=model_logs.WAITING,
        )
        self.engine = EngineLogs(self._metric_log(), model)

    def _metric_log(self) -> MetricLog | None:
        plan = self._plan
        server = self._channel(SERVER, plan.ts_metrics, lambda layout: metric_renderer(SERVER, layout))
        model = self._channel(MODEL, plan.model_metrics, lambda layout: metric_renderer(MODEL, layout))
        return MetricLog(server, model) if server is not None or model is not None else None

    def _channel(
        self,
        name: str,
        sink: Sink,
        renderer: Callable[[Layout], Callable[[list[T]], str]],
        level: int = logging.INFO,
        most: int | None = None,
    ) -> Channel[T] | None:
        """A channel whose lines have this level, to all places of a sink; None where there is none."""
        if sink.level > level or not sink.spots:
            return None
        layouts = {id(layout): layout for _, layout in sink.spots}
        outputs = [
            Output([self.target(path) for path, each in sink.spots if each is layout], renderer(layout))
            for layout in layouts.values()
        ]
        return self.writer.add(Channel(name, outputs, most) if most is not None else Channel(name, outputs))

    def target(self, path: Path | None) -> Target:
        """A file, the same one for all who write to it, or the console."""
        if path is None:
            return Console()
        if path not in self._files:
            limits = self._plan.limits.get(path, Limits())
            self._files[path] = RotatingFile(path, limits.size, limits.keep)
        return self._files[path]


class LineHandler(logging.Handler):
    """Writes log records to one place; runs in a thread of its own."""

    def __init__(self, target: Target, layout: Layout) -> None:
        super().__init__()
        self._target = target
        self._layout = layout

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, which may be several lines."""
        try:
            thread, name = record.threadName or "", NAMES.get(record.name, record.name)
            self._target.write(self._layout.text(record.created, record.levelname, thread, name, record.getMessage()))
        except (OSError, ValueError):
            pass  # there is nowhere else to say it


@contextmanager
def logging_of_a_server(
    environ: Mapping[str, str], log_config: str | None = None, default: str = DEFAULT
) -> Iterator[Logs]:
    """Set up all logs for as long as a server runs. Raises ConfigError."""
    plan, notes = plan_of(environ, log_config, default)
    logs = Logs(plan)
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    entry = logging.handlers.QueueHandler(records)
    writers = [LineHandler(logs.target(path), layout) for path, layout in plan.server.spots]
    listener = logging.handlers.QueueListener(records, *writers)
    root, models = logging.getLogger(), logging.getLogger(model_logs.LOGGER)
    before = root.level, models.level, models.propagate
    root.addHandler(entry)
    root.setLevel(plan.server.level)
    models.setLevel(max(plan.model.level, logging.DEBUG))
    models.propagate = plan.model.on_console
    listener.start()
    logs.writer.start()
    for note in notes:
        log.warning("%s", note)
    try:
        yield logs
    finally:
        root.removeHandler(entry)
        listener.stop()
        logs.writer.close()
        root.setLevel(before[0])
        models.setLevel(before[1])
        models.propagate = before[2]


def plan_of(environ: Mapping[str, str], log_config: str | None, default: str) -> tuple[LogPlan, list[str]]:
    """Which log goes where, and what the user should know about it. Raises ConfigError."""
    if log_config is not None and log_config.lower().endswith(".xml"):
        return log4j.read(Path(log_config), environ)
    notes = [f"--log-config {log_config} is not read: only log4j2's XML form is."] if log_config is not None else []
    folders = []
    for variable in ("LOG_LOCATION", "METRICS_LOCATION"):
        folder, note = _folder(environ, variable, default)
        folders.append(folder)
        notes += [note] if note and note not in notes else []
    return default_plan(*folders), notes


def _folder(environ: Mapping[str, str], variable: str, default: str) -> tuple[Path | None, str]:
    """A folder that exists now, or None; the default one may be impossible, with a note. Raises ConfigError."""
    text = environ.get(variable, default)
    if not text:
        return None, ""
    try:
        Path(text).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if variable in environ:
            raise ConfigError(f"{variable}={text!r}: cannot make this folder: {error.strerror}.") from error
        return None, f"No log files: the folder {text!r} cannot be made ({error.strerror}). LOG_LOCATION names another."
    return Path(text), ""
