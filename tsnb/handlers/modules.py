"""Modules that lie in a model's folder: import them, and find the classes they define."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from types import ModuleType


def import_module(name: str, folder: str | None = None) -> ModuleType:
    """Import ``name``, from ``folder`` where it has a file of that name.

    A module of the same name that was imported from elsewhere (the nursery's
    own, say) does not get in the way of the model's file.
    """
    path = os.path.join(folder, f"{name}.py") if folder else ""
    known = sys.modules.get(name)
    if not path or not os.path.isfile(path):
        return importlib.import_module(name)
    if known is not None and _same_file(getattr(known, "__file__", None), path):
        return known
    return _import_path(name, path)


def _import_path(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}", name=name, path=path)
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before
        raise
    return module


def _same_file(one: str | None, other: str) -> bool:
    return one is not None and os.path.exists(one) and os.path.samefile(one, other)


def list_classes_from_module(module: ModuleType, parent_class: type | None = None) -> list[type]:
    """The classes that ``module`` itself defines (imported ones do not count), by name."""
    found = [cls for _, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == module.__name__]
    return [cls for cls in found if parent_class is None or issubclass(cls, parent_class)]


def import_class(class_name: str, module_prefix: str | None = None) -> type:
    """The class of a dotted name, or of a name in the module ``module_prefix``. Raises ImportError if there is none."""
    name = f"{module_prefix}.{class_name}" if module_prefix else class_name
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute, None) if module else None
    if not isinstance(found, type):
        raise ImportError(f"there is no class {name!r}: give module.Class")
    return found
