"""Which device a worker computes on (spec 6.3, step 2)."""

from __future__ import annotations

import importlib.util
import os

import torch

AMPERE = (8, 0)


def choose(gpu_id: int | None) -> tuple[str | None, torch.device]:
    """``(map_location, device)`` for the GPU a worker was given, or for none."""
    if gpu_id is not None and torch.cuda.is_available():
        if torch.cuda.get_device_capability(gpu_id) >= AMPERE:
            torch.set_float32_matmul_precision("high")
        return "cuda", torch.device(f"cuda:{gpu_id}")
    if gpu_id is not None and os.environ.get("TS_IPEX_GPU_ENABLE", "false") == "true" and torch.xpu.is_available():
        return "xpu", torch.device(f"xpu:{gpu_id}")
    if gpu_id is not None and torch.backends.mps.is_available():
        return "mps", torch.device("mps")
    if importlib.util.find_spec("torch_xla") is not None:
        import torch_xla.core.xla_model as xla

        return None, xla.xla_device()
    return "cpu", torch.device("cpu")
