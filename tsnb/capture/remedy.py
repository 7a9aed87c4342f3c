"""What to do about a value that lives in the kernel only: one sentence per kind of value.

Types are recognised by the names of their classes, so that nothing is imported.
"""

from __future__ import annotations

import inspect
from typing import Any

_ARRAYS = {"numpy": "ndarray", "torch": "Tensor", "pandas": "DataFrame"}


def describe(value: Any) -> str:
    """A value in a few words: ``a live Net``, ``a list of 10 items``."""
    kind = type(value).__name__
    shape = getattr(value, "shape", None)
    if is_module(value):
        return f"a live {kind} (a torch module)"
    if isinstance(shape, tuple):
        return f"a live {kind} of shape {tuple(shape)}"
    if isinstance(value, list | dict | set | tuple):
        return f"a {kind} of {len(value)} item{'s' * (len(value) != 1)}"
    article = "an" if kind[:1].lower() in "aeiou" else "a"
    return f"{article} {kind} that lives in this kernel"


def remedy(name: str, value: Any, handler: str) -> str:
    """What the user can do so that a worker has this value too."""
    if is_module(value):
        return f"save it with %archive {handler} --model {name} and load it in initialize (BaseHandler does)"
    if _is_array(value):
        return (
            f"save it to a file, add it with %archive {handler} --extra-files FILE, "
            "and load it from context.system_properties['model_dir'] in initialize"
        )
    if isinstance(value, list | dict | set | tuple):
        return (
            f"write it out as a literal ({name} = ...) in this cell, or save it as JSON, "
            f"add it with %archive {handler} --extra-files {name}.json and load it in initialize"
        )
    if isinstance(value, int | float | complex | str | bytes):
        return f"assign it to a name of its own as a constant ({name} = {value!r:.40}) in this cell"
    if type(value).__module__.startswith("numpy") and getattr(value, "shape", None) == ():
        return f"make it a plain number in a cell ({name} = {value.item()!r:.40})"
    if callable(value) and not inspect.isclass(type(value)):
        return "define it with def in a cell"
    return "create it in the handler's initialize instead, or save it to a file and add that with --extra-files"


def is_module(value: Any) -> bool:
    """Whether a value is a ``torch.nn.Module``, without importing torch."""
    return any(cls.__module__ == "torch.nn.modules.module" and cls.__name__ == "Module" for cls in type(value).__mro__)


def _is_array(value: Any) -> bool:
    return any(_ARRAYS.get(cls.__module__.split(".")[0]) == cls.__name__ for cls in type(value).__mro__)
