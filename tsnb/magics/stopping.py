"""The debugger in front of a handler's function, and a traceback that shows the handler's frames alone."""

from __future__ import annotations

import bdb
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import tsnb
from tsnb.magics.errors import with_traceback

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tsnb.worker.rehearsal import Rehearsal

E = TypeVar("E", bound=BaseException)

PACKAGE = os.path.dirname(os.path.abspath(tsnb.__file__)) + os.sep
_NOT_THE_HANDLERS = (
    *(os.path.join(PACKAGE, part) for part in (f"worker{os.sep}", f"magics{os.sep}", f"handlers{os.sep}modules.py")),
    os.path.dirname(os.__file__) + os.sep + "asyncio" + os.sep,
    bdb.__file__,
    contextlib.__file__,
    "<frozen importlib",
)
STAGES = ("handle", "preprocess", "inference", "postprocess")


def stop_in(rehearsal: Rehearsal, failed: str, shell: InteractiveShell) -> None:
    """Let the debugger stop at the first line of the stage that ``failed``, or else of ``handle``.

    Functions of tsnb itself do not count, so with a plain BaseHandler it stops in the first stage that is the user's.
    """
    for stage in [*([failed] if failed in STAGES else []), *STAGES]:
        function = rehearsal.function(stage)
        if function is not None and not _file(function).startswith(PACKAGE):
            rehearsal.around(stage, _stopping(shell))
            return


def _file(function: Callable[..., Any]) -> str:
    return str(getattr(getattr(function, "__code__", None), "co_filename", PACKAGE))


def _stopping(shell: InteractiveShell) -> Callable[..., Any]:
    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        tracing = sys.gettrace()
        debugger = shell.InteractiveTB.debugger_cls()
        quit_debugger, left = debugger.set_quit, False

        def set_quit() -> None:
            nonlocal left
            left = True
            quit_debugger()

        debugger.set_quit = set_quit  # runcall does not tell that somebody quit
        try:
            answer = debugger.runcall(function, *args, **kwargs)
        finally:
            sys.settrace(tracing)
        if left:
            raise bdb.BdbQuit
        return answer

    return call


def handlers_own(error: E, shell: InteractiveShell, last: Sequence[str] = ()) -> E:
    """The same exception with a traceback of the handler's frames alone, shown as IPython shows one."""
    trace = _cleaned(error.__traceback__)
    error.__traceback__ = trace
    try:
        lines = shell.InteractiveTB.structured_traceback(type(error), error, trace, tb_offset=0)
    except Exception:  # IPython's formatting has failed before; the exception alone says what counts
        lines = [f"{type(error).__name__}: {error}"]
    return with_traceback(error, [*lines, *last], shell)


def _cleaned(trace: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_NOT_THE_HANDLERS):
            kept.append(trace)
        trace = trace.tb_next
    while kept and kept[0].tb_frame.f_code.co_filename.startswith(PACKAGE):
        kept.pop(0)  # our BaseHandler's way to the handler's first function
    found: TracebackType | None = None
    for each in reversed(kept):
        found = TracebackType(found, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return found
