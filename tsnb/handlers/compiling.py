"""``torch.compile`` as model-config.yaml asks for it under ``pt2`` (spec 5.6)."""

from __future__ import annotations

import enum
import logging
from typing import Any

import torch

logger = logging.getLogger(__name__)


class PT2Backend(enum.StrEnum):
    """The backends of ``torch.compile`` that model-config.yaml may name."""

    EAGER = "eager"
    AOT_EAGER = "aot_eager"
    INDUCTOR = "inductor"
    NVFUSER = "nvfuser"
    AOT_NVFUSER = "aot_nvfuser"
    AOT_CUDAGRAPHS = "aot_cudagraphs"
    OFI = "ofi"
    FX2TRT = "fx2trt"
    ONNXRT = "onnxrt"
    IPEX = "ipex"
    TORCHXLA_TRACE_ONCE = "torchxla_trace_once"
    OPENVINO = "openvino"
    TENSORRT = "tensorrt"
    HPU_BACKEND = "hpu_backend"


def check_valid_pt2_backend(backend: str) -> bool:
    """Whether a backend is one of :class:`PT2Backend`; if not, a warning says so."""
    if backend in [known.value for known in PT2Backend]:
        return True
    logger.warning("%r is no backend of torch.compile that is accepted here; the model runs uncompiled", backend)
    return False


def compiled(model: Any, config: dict[str, Any]) -> Any:
    """The compiled model; the model itself where nothing is asked for or compiling fails, with a warning."""
    options = compile_options(config.get("pt2"))
    if options is None:
        return model
    try:
        return torch.compile(model, **options)
    except Exception as error:
        logger.warning("torch.compile failed, the model runs uncompiled: %s", error)
        return model


def compile_options(pt2: Any) -> dict[str, Any] | None:
    """Keyword arguments of ``torch.compile``, or None for no compiling. Raises ValueError for a wrong type."""
    if not pt2:
        return None
    if isinstance(pt2, str):
        options: dict[str, Any] = {"backend": pt2}
    elif not isinstance(pt2, dict):
        raise ValueError(f"pt2 in model-config.yaml must be a backend's name or a mapping, not {pt2!r}")
    elif "compile" in pt2:
        if pt2["compile"].get("enable") is not True:
            return None
        options = {key: value for key, value in pt2["compile"].items() if key != "enable"}
    elif "export" in pt2:
        return None
    else:
        options = dict(pt2)
    return options if check_valid_pt2_backend(options.get("backend", "inductor")) else None
