"""Is a written module complete? It must compile and look up nothing that it does not define."""

from __future__ import annotations

from tsnb.capture.analyse import analyse
from tsnb.errors import CaptureError


def check(source: str, name: str) -> None:
    """Raise CaptureError if a module's source cannot stand alone. Nothing is run.

    Names that may come from a star import are trusted.
    """
    try:
        analysis = analyse(source)
        compile(source, f"{name}.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise CaptureError(
            f"the module made from this cell is no valid Python, line {error.lineno}: {error.msg}"
        ) from error
    missing = {} if analysis.stars else analysis.free
    if missing:
        wanted, line = next(iter(missing.items()))
        raise CaptureError(
            f"the module made from this cell would lack {wanted} (its line {line}): define it in the cell itself"
        )
