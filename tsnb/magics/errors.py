"""How errors look in a notebook.

IPython asks an exception for ``_render_traceback_`` before it makes its own
traceback. So the cell fails as any cell does (nbclient, pytest-notebook and
``%debug`` see the exception) while the user sees only what is hers: the
handler's frames, with the source of her cell, and one red line.
"""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from tsnb.errors import CaptureError, ModelNotFound, TsnbError
from tsnb.messages import Failure, Frame

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CONTEXT = 2
"""Lines of source shown before and after the one that raised."""

OUTPUT = 20
"""Lines of the worker's own output that are shown; %logs has all of them."""

_RED, _GREEN, _DIM, _END = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"

_COLOUR = re.compile(r"\x1b\[\d+m")

_NOT_SERVED = re.compile(r"Model not found: (\S+)")

_COMPREHENSIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")

E = TypeVar("E", bound=BaseException)


def rendered(error: TsnbError, shell: InteractiveShell | None) -> TsnbError:
    """The error, made to show the handler's traceback, if it has one, and one red line."""
    if hasattr(error, "_render_traceback_"):
        return error
    lines = failure_lines(error.failure, shell) if error.failure else []
    known = (error.message, *(error.failure.request_ids if error.failure else ()))
    told = error.request_id and error.status >= 500 and not any(error.request_id in each for each in known)
    request = f" (request {error.request_id})" if told else ""
    lines.append(f"{_RED}{type(error).__name__}{_END}: {error.message}{request}{_next_step(error)}")
    return with_traceback(error, lines, shell)


def _next_step(error: TsnbError) -> str:
    """What to do about a model that is not served; the server's own words are TorchServe's."""
    missing = _NOT_SERVED.fullmatch(error.message) if isinstance(error, ModelNotFound) else None
    return f". %models shows what is served; %serve {missing[1]} serves it" if missing else ""


def shortened(error: E, text: str, shell: InteractiveShell | None) -> E:
    """The same exception, shown as one red line unless it knows how it wants to be shown: the user's own does."""
    if hasattr(error, "_render_traceback_"):
        return error
    return with_traceback(error, [f"{_RED}{type(error).__name__}{_END}: {text}"], shell)


def with_traceback(error: E, lines: list[str], shell: InteractiveShell | None) -> E:
    """The same exception, shown by IPython as these lines."""
    uncoloured = shell is not None and str(shell.colors).lower() == "nocolor"
    shown = plain(lines) if uncoloured else lines
    error._render_traceback_ = lambda: shown  # type: ignore[attr-defined]
    return error


def failure_lines(failure: Failure, shell: InteractiveShell | None) -> list[str]:
    """What happened inside a worker: its frames, the exception, the stage, the inputs and the output."""
    lines = [block for frame in _told_once(failure.frames) for block in _frame_lines(frame, shell)]
    if not failure.frames and failure.traceback:
        lines += [each for each in failure.traceback.rstrip().splitlines() if not each.startswith(f"{failure.type}: ")]
    lines.append(f"{_RED}{failure.type}{_END}: {failure.message}")
    where = [f"in {failure.stage}", *([f"worker {failure.worker}"] if failure.worker else [])]
    where += [f"request {', '.join(failure.request_ids)}"] if failure.request_ids else []
    lines.append(f"{_DIM}{', '.join(where)}{'; given ' + failure.inputs if failure.inputs else ''}{_END}")
    output = failure.output.rstrip().splitlines()
    if output:
        lines.append(f"{_DIM}the worker printed:{_END}")
        lines += output[-OUTPUT:]
    return [*lines, ""]


def _told_once(frames: Sequence[Frame]) -> list[Frame]:
    """Frames without those of comprehensions on the line before them: Python 3.11 has one for each of them."""
    places = [None, *((frame.filename, frame.lineno) for frame in frames)]
    return [
        frame
        for frame, before in zip(frames, places, strict=False)
        if frame.function.rpartition(".")[2] not in _COMPREHENSIONS or (frame.filename, frame.lineno) != before
    ]


def _frame_lines(frame: Frame, shell: InteractiveShell | None) -> list[str]:
    label = shell.compile.format_code_name(frame.filename) if shell is not None else None
    place = " ".join(label) if label else f"File {frame.filename}"
    head = f"{_GREEN}{place}:{frame.lineno}{_END}, in {frame.function}"
    source = linecache.getlines(frame.filename)
    if not 0 < frame.lineno <= len(source) or (frame.source and frame.source.strip() not in source[frame.lineno - 1]):
        return [head, f"----> {frame.lineno} {frame.source.strip()}", ""]
    first, last = max(frame.lineno - CONTEXT, 1), min(frame.lineno + CONTEXT, len(source))
    return [head, *(_source_line(number, frame.lineno, source[number - 1]) for number in range(first, last + 1)), ""]


def _source_line(number: int, marked: int, text: str) -> str:
    arrow = f"{_GREEN}----> {number}{_END}" if number == marked else f"{number:>{6 + len(str(marked))}}"
    return f"{arrow} {text.rstrip()}"


def from_cell(error: E, filename: str, shell: InteractiveShell) -> E:
    """An exception of the user's own cell, without the frames of the magic that ran it."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    if trace is None or isinstance(error, SyntaxError):
        return error
    try:
        lines = shell.InteractiveTB.structured_traceback(type(error), error, trace, tb_offset=0)
    except Exception:  # IPython's formatting has failed before; Python's own has not
        lines = traceback.format_exception(type(error), error, trace)
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
    return error


def wrong_syntax(error: SyntaxError, filename: str, shell: InteractiveShell) -> CaptureError:
    """A cell's syntax error as IPython shows one, without the way through the magic."""
    error.filename = filename
    no_frames: Any = []
    lines = shell.SyntaxTB.structured_traceback(SyntaxError, error, no_frames)
    return with_traceback(CaptureError(f"line {error.lineno}: {error.msg}"), lines, shell)


def plain(lines: list[str]) -> list[str]:
    """Lines without colours."""
    return [_COLOUR.sub("", line) for line in lines]
