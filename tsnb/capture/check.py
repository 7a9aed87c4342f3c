"""Is a written module complete? It must compile and look up nothing that it does not define."""

from __future__ import annotations

from tsnb.capture.analyse import analyse
from tsnb.capture.statements import star_names
from tsnb.errors import CaptureError


def check(source: str, name: str) -> None:
    """Raise CaptureError if a module's source cannot stand alone.

    Its code is not run; modules whose names it takes with a star are imported.
    """
    try:
        analysis = analyse(source)
        compile(source, f"{name}.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise CaptureError(
            f"the module made from this cell is no valid Python, line {error.lineno}: {error.msg}"
        ) from error
    known = star_names(analysis.stars)
    missing = [(name, line) for name, line in analysis.free.items() if name not in known]
    if missing:
        wanted, line = missing[0]
        raise CaptureError(
            f"the module made from this cell would lack {wanted} (its line {line}): define it in the cell itself"
        )
