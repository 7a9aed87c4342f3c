"""What to do about a value that lives in the kernel only: one sentence per kind of value.

Types are recognised by the names of their classes, so that nothing is imported.
"""

from __future__ import annotations

import inspect
from typing import Any

from tsnb.capture.arrays import array_source
from tsnb.capture.carry import MAX_FROZEN

_IN_FOLDER = "context.system_properties['model_dir'] + '/NAME"

_ARRAYS = {
    ("numpy", "ndarray"): ("NAME.npy", "numpy.save('NAME.npy', NAME)", f"numpy.load({_IN_FOLDER}.npy')"),
    ("torch", "Tensor"): ("NAME.pt", "torch.save(NAME, 'NAME.pt')", f"torch.load({_IN_FOLDER}.pt', weights_only=True)"),
    ("pandas", "DataFrame"): (
        "NAME.csv",
        "NAME.to_csv('NAME.csv', index=False)",
        f"pandas.read_csv({_IN_FOLDER}.csv')",
    ),
}
"""By module and class: a file, what writes it, and what reads it in a worker."""

_SMALL = 1000
"""Numbers of a tensor that can surely be written out."""


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
    if kind := _array_kind(value):
        if array_source(value, MAX_FROZEN):
            return f"assign it to a name of its own in a cell (my_{name} = {name}): small arrays are written out"
        if _is_small_elsewhere(value):
            return f"make it plain data in a cell ({name} = {name}.detach().cpu()), which travels as it is"
        file, save, load = (part.replace("NAME", name) for part in _ARRAYS[kind])
        return (
            f"it is too much to be written out, so save it ({save}), add it with %archive {handler} "
            f"--extra-files {file}, and in initialize load it: {load}"
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


def _array_kind(value: Any) -> tuple[str, str] | None:
    kinds = ((cls.__module__.split(".")[0], cls.__name__) for cls in type(value).__mro__)
    return next((kind for kind in kinds if kind in _ARRAYS), None)


def _is_small_elsewhere(value: Any) -> bool:
    """A small tensor that is on a GPU, or has a gradient."""
    if type(value).__name__ not in ("Tensor", "Parameter") or value.numel() > _SMALL:
        return False
    return value.requires_grad or value.device.type not in ("cpu", "meta")
