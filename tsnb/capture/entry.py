"""Which class or function of a module answers requests, by the rules of spec 5.4.

An archive's module needs a function ``handle`` or exactly one class. Where
classes were taken along there are more, so a function that calls the right one
is written under them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tsnb.errors import CaptureError

ENTRY = '''
_service = {name}()


def handle(data, context):
    """Called once without data to load the model, then with every batch."""
    if data is None:
        return _service.initialize(context)
    return _service.handle(data, context)
'''


def handler_class(defines: Sequence[str], namespace: Mapping[str, Any]) -> str | None:
    """The class among the names a cell defines that handles requests; None if a function ``handle`` does.

    Raises CaptureError if there is none, or more than one.
    """
    if "handle" in defines and callable(namespace.get("handle")):
        return None
    found = {name: namespace[name] for name in defines if _handles(namespace.get(name))}
    leaves = [name for name, cls in found.items() if not any(cls in other.__mro__[1:] for other in found.values())]
    if not leaves:
        raise CaptureError(
            "the cell defines no handler: it needs a class with a method handle(self, data, context), "
            "for instance a subclass of tsnb.BaseHandler, or a function handle(data, context)"
        )
    if len(leaves) > 1:
        raise CaptureError(f"the cell defines several handlers ({', '.join(leaves)}): give each its own %%handler cell")
    return leaves[0]


def entry_code(name: str | None, classes: Sequence[str]) -> str:
    """What to write under the module so that it has one entry point; ``""`` where it has."""
    if name is None or list(classes) == [name]:
        return ""
    return ENTRY.format(name=name)


def _handles(value: Any) -> bool:
    return isinstance(value, type) and callable(getattr(value, "handle", None))
