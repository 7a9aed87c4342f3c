"""An exception in a worker as data: frames of the handler, its traceback, nothing of ours.

Frames of the worker itself are left out, and lines of captured modules are
those of their cells (:mod:`tsnb.worker.cells`).
"""

from __future__ import annotations

import dis
import inspect
import linecache
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from tsnb.messages import Failure, Frame
from tsnb.worker.cells import locate

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
WORKER = os.path.join(PACKAGE, "worker") + os.sep
FINDING = tuple(os.path.join(PACKAGE, "handlers", name) for name in ("finding.py", "modules.py"))
MAX_TRACEBACK = 64 * 1024
"""Characters of a traceback or message that travel; the middle of a longer one is cut out."""
MAX_FRAMES = 200
"""Frames that travel, the innermost ones."""


def describe(error: BaseException, stage: str, inputs: str = "", output: str = "") -> Failure:
    """What happened, as :class:`~tsnb.messages.Failure`, without model and request names."""
    rendered = traceback.TracebackException.from_exception(error)
    for part in _chain(rendered):
        part.stack = traceback.StackSummary.from_list(_handlers_frames(part.stack))
        _locate_syntax_error(part)
    text = "".join(rendered.format())
    return Failure(
        type=printable(type(error).__name__),
        message=_shorten(text_of(error)),
        stage=stage,
        frames=tuple(_frames(rendered))[-MAX_FRAMES:],
        traceback=_shorten(printable(text)),
        inputs=_shorten(printable(inputs)),
        output=printable(output),
    )


def where_returned(entry: Callable[..., Any] | None) -> Frame | None:
    """The line of the handler that an unusable answer came from: its only ``return``, else its ``def``.

    For a handler that leaves ``handle`` to ours that is ``postprocess``.
    """
    function = inspect.unwrap(entry) if entry is not None else None
    owner = getattr(function, "__self__", None)
    if owner is None and function is not None:
        owner = getattr(sys.modules.get(function.__module__), "_service", None)
    methods = [getattr(type(owner), name, None) for name in ("handle", "postprocess")] if owner is not None else []
    code = next((code for each in (*methods, function) if (code := _own_code(each)) is not None), None)
    if code is None:
        return None
    lines = {line for line in map(_line_of_return, dis.get_instructions(code)) if line is not None}
    number = lines.pop() if len(lines) == 1 else code.co_firstlineno
    source = linecache.getline(code.co_filename, number).strip()
    filename, line = locate(code.co_filename, number)
    return Frame(filename, line, code.co_name, source)


def _own_code(function: Any) -> CodeType | None:
    code: CodeType | None = getattr(function, "__code__", None)
    return code if code is not None and not code.co_filename.startswith(PACKAGE) else None


def _line_of_return(instruction: dis.Instruction) -> int | None:
    returns = instruction.opname in ("RETURN_VALUE", "RETURN_CONST")
    return instruction.positions.lineno if returns and instruction.positions else None


def text_of(error: BaseException) -> str:
    """What the exception says, even where that raises."""
    try:
        return printable(str(error))
    except Exception:
        return f"<a {type(error).__name__} that cannot be printed>"


def printable(text: str) -> str:
    """The text with lone surrogates, which no frame can carry, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _chain(rendered: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    waiting: list[traceback.TracebackException | None] = [rendered]
    while waiting:
        part = waiting.pop()
        if part is not None:
            yield part
            waiting += [part.__cause__, part.__context__, *(part.exceptions or ())]


def _handlers_frames(stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    """Without the worker's frames anywhere, and without all of tsnb's before the handler's first."""
    frames = [frame for frame in stack if not _is_ours(frame.filename)]
    first = next((i for i, frame in enumerate(frames) if not frame.filename.startswith(PACKAGE)), 0)
    return [_located(frame) for frame in frames[first:]]


def _is_ours(filename: str) -> bool:
    return filename.startswith((WORKER, "<frozen importlib")) or filename in FINDING


def _located(frame: traceback.FrameSummary) -> traceback.FrameSummary:
    lineno = frame.lineno or 0
    filename, line = locate(frame.filename, lineno)
    if (filename, line) == (frame.filename, lineno):
        return frame
    source = linecache.getline(frame.filename, lineno)
    end = line if frame.end_lineno is None else line + frame.end_lineno - lineno
    return traceback.FrameSummary(
        filename,
        line,
        frame.name,
        lookup_line=False,
        line=source,
        end_lineno=end,
        colno=frame.colno,
        end_colno=frame.end_colno,
    )


def _locate_syntax_error(part: traceback.TracebackException) -> None:
    filename = getattr(part, "filename", None)
    if filename and part.lineno:
        offset = int(part.end_lineno or part.lineno) - int(part.lineno)
        part.filename, line = locate(filename, int(part.lineno))
        part.lineno, part.end_lineno = str(line), str(line + offset)


def _frames(rendered: traceback.TracebackException) -> Iterator[Frame]:
    for frame in rendered.stack:
        yield Frame(printable(frame.filename), frame.lineno or 0, printable(frame.name), printable(frame.line or ""))
    if getattr(rendered, "filename", None) and rendered.lineno:
        yield Frame(rendered.filename or "", int(rendered.lineno), "<module>", (rendered.text or "").strip())


def _shorten(text: str) -> str:
    if len(text) <= MAX_TRACEBACK:
        return text
    half = MAX_TRACEBACK // 2
    return f"{text[:half]}\n  … {len(text) - 2 * half} characters left out …\n{text[-half:]}"
