"""The handler that an archive names: its module, and the function or class there (spec 5.4)."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tsnb.handlers import DEFAULT_HANDLERS
from tsnb.handlers.context import Context
from tsnb.handlers.modules import import_module, list_classes_from_module

EntryPoint = Callable[[list[dict[str, Any]] | None, Context], Any]


def find(handler: str, model_dir: str) -> Any:
    """The function or class that a handler's name stands for."""
    name, _, function = handler.partition(":")
    module = import_handler(name, model_dir)
    entry = getattr(module, function or "handle", None)
    if callable(entry):
        return entry
    try:
        return handler_class(module)  # also where a function is named that is not there
    except ValueError as error:
        if not function:
            raise
        lacks = f"the handler {handler!r} names the function {function!r}, which {module.__name__} lacks"
        raise ValueError(f"{lacks}, and {error}") from error


def import_handler(name: str, model_dir: str) -> ModuleType:
    """The module a handler's name stands for: the archive's own file, an installed module or a default handler."""
    stem = os.path.basename(name).removesuffix(".py")
    if not stem:
        raise ValueError("the archive names no handler: MANIFEST.json needs model.handler")
    try:
        return import_module(stem, model_dir)
    except ModuleNotFoundError as error:
        if error.name != stem:
            raise
        return _default_handler(stem)


def _default_handler(stem: str) -> ModuleType:
    if stem not in DEFAULT_HANDLERS:
        raise ModuleNotFoundError(
            f"no handler {stem!r}: neither {stem}.py in the archive nor an installed module, "
            f"and the default handlers are {', '.join(DEFAULT_HANDLERS)}",
            name=stem,
        )
    return import_module(DEFAULT_HANDLERS[stem])


def handler_class(module: ModuleType) -> type[Any]:
    """The one class with ``handle`` that a module defines."""
    found = [cls for cls in list_classes_from_module(module) if callable(getattr(cls, "handle", None))]
    names = ", ".join(cls.__name__ for cls in found)
    if not found:
        raise ValueError(f"{module.__name__} defines neither a function handle(data, context) nor a class with handle")
    if len(found) > 1:
        raise ValueError(
            f"{module.__name__} defines several classes with handle ({names}): keep one, import the others"
        )
    if not callable(getattr(found[0], "initialize", None)):
        raise ValueError(f"the class {names} has no initialize(self, context), which is called once before handle")
    return found[0]


ENVELOPES = "tsnb.handlers.envelopes"


def wrapped(entry: EntryPoint, envelope: str) -> EntryPoint:
    """What takes requests out of an envelope, calls ``entry`` and puts the answers into it.

    The envelope is one of :mod:`tsnb.handlers.envelopes`, or the first class with ``handle`` of any module that can be
    imported. Raises ValueError where there is none.
    """
    ours = f"{ENVELOPES}.{envelope}"
    name = ours if "." not in envelope and importlib.util.find_spec(ours) is not None else envelope
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise ValueError(
            f"service_envelope is {envelope!r}, which is none of body, json, kserve and kservev2, and no module that "
            "can be imported. Put one with a subclass of BaseEnvelope on PYTHONPATH, or into the archive."
        ) from error
    found = [cls for cls in list_classes_from_module(module) if callable(getattr(cls, "handle", None))]
    if not found:
        raise ValueError(f"service_envelope is {envelope!r}: {module.__name__} defines no class with handle")
    wrapper: EntryPoint = found[0](entry).handle
    return wrapper
