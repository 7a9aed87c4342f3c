"""An archive's folder to a callable: find the handler, make it, initialise it (spec 5.4)."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from typing import Any

import tsnb
from tsnb.handlers.context import Context
from tsnb.handlers.finding import EntryPoint, find, wrapped
from tsnb.protocol import Load
from tsnb.worker.stages import Stages

COMPAT = os.path.join(os.path.dirname(tsnb.__file__), "compat")


def load(order: Load, context: Context, stages: Stages) -> EntryPoint:
    """Import the handler, make and initialise it; the function to call for each batch.

    ``stages`` learns whether ``import`` or ``initialize`` failed. Raises
    whatever the handler raises, ImportError or ValueError.
    """
    extend_path(order.model_dir)
    found = stages.run("import", lambda: find(order.handler, order.model_dir))
    entry: EntryPoint = stages.run("initialize", lambda: _initialised(found, context, stages))
    if order.service_envelope:
        entry = stages.run("import", lambda: wrapped(entry, order.service_envelope))
    return entry


def extend_path(model_dir: str) -> None:
    """Search the model's folder first, then ``ts`` as tsnb has it, then everything else."""
    first = [os.path.abspath(model_dir), COMPAT]
    sys.path[:] = first + [entry for entry in sys.path if entry not in first]


def _initialised(found: Any, context: Context, stages: Stages) -> EntryPoint:
    if not inspect.isclass(found):
        # The usual form of a module with a function: ``_service = Handler()``, and ``handle`` calls it.
        service = getattr(sys.modules.get(found.__module__), "_service", None)
        with contextlib.suppress(AttributeError):  # an object that takes no attributes
            stages.watch(service)
        found(None, context)
        return found  # type: ignore[no-any-return]
    instance: Any = found()
    stages.watch(instance)
    instance.initialize(context)
    return instance.handle  # type: ignore[no-any-return]
