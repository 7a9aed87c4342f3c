"""Weights on disk to a model in memory, by the suffix of the file.

A format is a function here and one entry in :data:`SERIALIZED` (the file is
the whole model) or :data:`STATES` (the file holds the weights of an eager
model, whose class is in the archive's model file).
"""

from __future__ import annotations

import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch

from tsnb.handlers import fast
from tsnb.handlers.modules import import_module, list_classes_from_module

logger = logging.getLogger(__name__)

Config: TypeAlias = Mapping[str, Any]
State: TypeAlias = dict[str, Any]


# --- the whole model in one file --------------------------------------------------------------------


def load_torchscript(path: str, device: torch.device) -> Any:
    """A TorchScript module in evaluation mode. Raises RuntimeError, with advice where the file is a state dict."""
    try:
        model = torch.jit.load(path, map_location=device)
    except RuntimeError as error:
        if _is_state_dict(path):
            raise RuntimeError(
                f"{os.path.basename(path)} holds weights only (it was written by torch.save, not torch.jit.save): "
                "archive it together with the file of its class (--model-file), or save it with torch.jit"
            ) from error
        raise
    return model.eval()


def _is_state_dict(path: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(name.endswith("constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def load_onnx(path: str, device: torch.device) -> Any:
    """An ONNX Runtime session. Raises RuntimeError where onnxruntime is not installed."""
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeError(
            f"No model weights could be loaded: {os.path.basename(path)} needs the package onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    providers = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    return onnxruntime.InferenceSession(path, sess_options=options, providers=[*providers, "CPUExecutionProvider"])


def setup_ort_session(model_pt_path: str, map_location: str | None) -> Any:
    """An ONNX Runtime session as published handlers make it: on the GPU for ``"cuda"``, else on the CPU."""
    return load_onnx(model_pt_path, torch.device("cuda" if map_location == "cuda" else "cpu"))


def run_onnx(session: Any, data: torch.Tensor) -> torch.Tensor:
    """The first output of an ONNX Runtime session for its one input. Raises TypeError where the model has several."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs)
        raise TypeError(f"the ONNX model has the inputs {names}: override inference and call self.model.run yourself")
    return torch.from_numpy(session.run(None, {inputs[0].name: data.numpy(force=True)})[0])


def load_package(path: str, device: torch.device) -> Any:
    """A ``.pt2`` file: what AOTInductor compiled, or an exported program."""
    if _is_compiled_package(path):
        if device.type == "cuda":
            torch.cuda.set_device(device)
        return torch._inductor.aoti_load_package(path)
    return torch.export.load(path).module().to(device)


def _is_compiled_package(path: str) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any("aotinductor" in name for name in archive.namelist())


def load_shared_object(path: str, device: torch.device) -> Any:
    """A ``.so`` file that ``torch._export.aot_compile`` made."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return torch._export.aot_load(path, device.type)


SERIALIZED: dict[str, Callable[[str, torch.device], Any]] = {
    ".pt": load_torchscript,
    ".onnx": load_onnx,
    ".pt2": load_package,
    ".so": load_shared_object,
}


def load_serialized(path: str | None, device: torch.device, config: Config) -> Any:
    """The model in a file, by its suffix. Raises RuntimeError where no loader fits."""
    suffix = os.path.splitext(path or "")[1]
    load = SERIALIZED.get(suffix)
    if suffix == ".so" and not is_aot(config):
        load = None
    if path is None or load is None:
        what = f"the serialized file {os.path.basename(path)}" if path else "an archive without a serialized file"
        raise RuntimeError(
            f"No model weights could be loaded: {what} needs a model file (--model-file), "
            f"or one of the formats {', '.join(SERIALIZED)}"
        )
    return load(path, device)


def is_aot(config: Config) -> bool:
    """Whether model-config.yaml says that the model is a program which ``aot_compile`` made."""
    pt2 = config.get("pt2")
    export = pt2.get("export") if isinstance(pt2, dict) else None
    return isinstance(export, dict) and export.get("aot_compile") is True


# --- an eager model: a class and its weights ----------------------------------------------------------


def read_torch(path: str, device: torch.device) -> State:
    """A state dict that ``torch.save`` wrote, memory-mapped where the file allows it."""
    options: dict[str, Any] = {"map_location": device, "weights_only": True}
    try:
        if zipfile.is_zipfile(path):
            return torch.load(path, mmap=True, **options)  # type: ignore[no-any-return]
        return torch.load(path, **options)  # type: ignore[no-any-return]
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":
            raise
        logger.warning(
            "%s holds more than tensors, all of it is unpickled: %s", os.path.basename(path), str(error).split("\n")[0]
        )
        return torch.load(path, map_location=device, weights_only=False)  # type: ignore[no-any-return]


def read_safetensors(path: str, device: torch.device) -> State:
    """A state dict in the safetensors format, memory-mapped. Raises RuntimeError without that package."""
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise RuntimeError(f"{os.path.basename(path)} needs the package safetensors") from error
    return load_file(path, device=str(device))


STATES: dict[str, Callable[[str, torch.device], State]] = {".safetensors": read_safetensors}
"""Readers of state dicts by suffix; all other suffixes are read by :func:`read_torch`."""


def load_eager(model_dir: str, model_file: str, path: str | None, device: torch.device) -> fast.Built:
    """An eager model with its weights, not yet moved to ``device``, and notes on how it was loaded.

    Raises RuntimeError for a missing file, ValueError unless the model file
    defines exactly one class.
    """
    cls = _model_class(model_dir, model_file)
    if path is None:
        return cls(), ("the archive has no weights: the model's are random",)
    if not os.path.isfile(path):
        raise RuntimeError(f"Missing the serialized file {os.path.basename(path)}")
    read = STATES.get(os.path.splitext(path)[1], read_torch)
    return fast.build(cls, read(path, device))


def _model_class(model_dir: str, model_file: str) -> type[torch.nn.Module]:
    path = os.path.join(model_dir, model_file)
    if not os.path.isfile(path):
        raise RuntimeError(f"Missing the {model_file} file")
    found = list_classes_from_module(import_module(os.path.splitext(model_file)[0], model_dir))
    if len(found) != 1:
        names = ", ".join(cls.__name__ for cls in found) or "none"
        raise ValueError(f"Expected only one class as model definition in {model_file}, found: {names}")
    return found[0]
