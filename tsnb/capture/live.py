"""A live ``nn.Module`` as files that real TorchServe can load too (spec 6.3).

First choice is eager: the weights, and a model file with exactly one class
that is built without arguments. It is tried out before it is believed. Where
the class cannot travel, the model is written as TorchScript. The live model is
never changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.capture.cell import module_name
from tsnb.capture.cells import Cells
from tsnb.capture.constructor import calls
from tsnb.capture.eager import Source, class_source
from tsnb.capture.remedy import describe, is_module
from tsnb.capture.trial import why_different
from tsnb.errors import CaptureError

if TYPE_CHECKING:
    from torch import nn


@dataclass
class ModelFiles:
    """What goes into the archive. ``notes`` tell the user how the model travels."""

    serialized_file: Path
    model_file: Path | None = None
    extra_files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def model_files(
    net: Any,
    name: str,
    folder: Path,
    cells: Cells,
    namespace: Mapping[str, Any],
    *,
    expression: str = "",
    example: Any = None,
) -> ModelFiles:
    """Write the files of a live model into a folder.

    ``expression`` is how the user called it (its constructor's arguments are
    looked up under that name); ``example`` is an input, for models that only
    tracing can save. Raises CaptureError.
    """
    import torch

    if isinstance(net, torch.jit.ScriptModule):
        return _script(net, name, folder, "it is TorchScript already", None)
    if not is_module(net):
        raise CaptureError(f"--model {expression} is {describe(net)}, not a torch.nn.Module: use --serialized-file")
    try:
        return _eager(net, name, folder, cells, namespace, expression)
    except CaptureError as error:
        return _script(net, name, folder, error.message, example)


def _eager(
    net: nn.Module, name: str, folder: Path, cells: Cells, namespace: Mapping[str, Any], expression: str
) -> ModelFiles:
    source = class_source(net, name, cells, namespace)
    reasons = []
    for call in calls(net, expression, cells, namespace):
        files = source.write(folder, module_name(f"{name}_model"), call)
        reason = why_different(net, files[0], folder)
        if reason is None:
            return _with_weights(net, name, folder, source, files, call)
        for file in files:
            file.unlink()
        reasons.append(reason)
    raise CaptureError(reasons[-1])


def _with_weights(net: nn.Module, name: str, folder: Path, source: Source, files: list[Path], call: str) -> ModelFiles:
    import torch

    path = folder / f"{name}.pth"
    state = net.state_dict()
    for key, value in state.items():
        if isinstance(value, torch.Tensor):
            state[key] = value.detach().cpu()
    torch.save(state, path)
    sidecars = sorted(folder.glob("*.tsnb.json"))
    note = f"model: {type(net).__name__}{call} with its weights, {source.origin}"
    return ModelFiles(path, files[0], [*files[1:], *sidecars, *source.files], [note, *source.notices])


def _script(net: Any, name: str, folder: Path, reason: str, example: Any) -> ModelFiles:
    import copy

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = copy.deepcopy(net).cpu().eval()
            scripted = model if isinstance(model, torch.jit.ScriptModule) else _compiled(model, example)
        except Exception as error:
            raise CaptureError(_neither(net, reason, error, example)) from error
        path = folder / f"{name}.pt"
        torch.jit.save(scripted, path)
    return ModelFiles(path, notes=[f"model: saved as TorchScript, because {reason}"])


def _compiled(model: nn.Module, example: Any) -> Any:
    import torch

    if example is None:
        return torch.jit.script(model)
    inputs = example if isinstance(example, tuple) else (example,)
    inputs = tuple(value.detach().cpu() if isinstance(value, torch.Tensor) else value for value in inputs)
    with torch.no_grad():
        return torch.jit.trace(model, inputs)


def _neither(net: Any, reason: str, error: Exception, example: Any) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    remedy = (
        "name a file with its class with --model-file and its weights with --serialized-file"
        if example is not None
        else "give an input to trace it with, --example EXPR, or name a file with its class with --model-file"
    )
    kind = type(net).__name__
    return f"{kind} cannot be saved: as a class, {reason}; as TorchScript, {first}. What helps: {remedy}"
