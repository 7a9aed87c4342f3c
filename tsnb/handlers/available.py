"""What this worker's Python has, under the names that published handlers ask for.

Packages are looked for, not imported: that takes seconds, and whoever needs one imports it.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import torch

_TORCH = tuple(map(int, torch.__version__.split(".")[:2]))

PROFILER_AVAILABLE = find_spec("torch.profiler") is not None
PT2_AVAILABLE = _TORCH >= (2, 0)
PT230_AVAILABLE = _TORCH >= (2, 3)
XLA_AVAILABLE = find_spec("torch_xla") is not None
ONNX_AVAILABLE = find_spec("onnxruntime") is not None
IPEX_AVAILABLE = (
    os.environ.get("TS_IPEX_ENABLE", "false") == "true" and find_spec("intel_extension_for_pytorch") is not None
)
"""Whether it is installed and asked for."""
