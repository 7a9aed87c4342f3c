"""Where the server's own words go: stderr, and ``ts_log.log`` where LOG_LOCATION is set (spec 7.13)."""

from __future__ import annotations

import logging
import logging.handlers
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tsnb.errors import ConfigError

FORMAT = "%(asctime)s,%(msecs)03d [%(levelname)-5s] %(name)s: %(message)s"
DATE = "%Y-%m-%dT%H:%M:%S"
ROTATE_AT = 100 * 2**20
KEEP = 5


@contextmanager
def logging_to_stderr(environ: Mapping[str, str]) -> Iterator[None]:
    """Log through a queue, so that a full pipe or a slow disk never holds up the server. Raises ConfigError."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    writers = [logging.StreamHandler(), *_files(environ)]
    for writer in writers:
        writer.setFormatter(logging.Formatter(FORMAT, DATE))
    entry = logging.handlers.QueueHandler(lines)
    listener = logging.handlers.QueueListener(lines, *writers)
    root = logging.getLogger()
    before = root.level
    root.addHandler(entry)
    root.setLevel(logging.INFO)
    listener.start()
    try:
        yield
    finally:
        listener.stop()
        root.removeHandler(entry)
        root.setLevel(before)
        for writer in writers:
            writer.close()


def _files(environ: Mapping[str, str]) -> list[logging.Handler]:
    folder = log_folder(environ)
    if folder is None:
        return []
    return [logging.handlers.RotatingFileHandler(folder / "ts_log.log", maxBytes=ROTATE_AT, backupCount=KEEP)]


def log_folder(environ: Mapping[str, str]) -> Path | None:
    """LOG_LOCATION, made if need be, or None where it is not set. Raises ConfigError."""
    text = environ.get("LOG_LOCATION")
    if not text:
        return None
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"LOG_LOCATION={text!r}: cannot make this folder: {error.strerror}.") from error
    return folder
