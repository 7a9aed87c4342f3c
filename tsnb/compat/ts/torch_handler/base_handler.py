"""``ts.torch_handler.base_handler``."""

from __future__ import annotations

from tsnb.handlers.available import (
    IPEX_AVAILABLE,
    ONNX_AVAILABLE,
    PROFILER_AVAILABLE,
    PT2_AVAILABLE,
    PT230_AVAILABLE,
    XLA_AVAILABLE,
)
from tsnb.handlers.base import BaseHandler, logger
from tsnb.handlers.compiling import check_valid_pt2_backend
from tsnb.handlers.labels import load_label_mapping
from tsnb.handlers.loading import setup_ort_session
from tsnb.handlers.modules import list_classes_from_module
from tsnb.handlers.timing import timed

__all__ = [
    "IPEX_AVAILABLE",
    "ONNX_AVAILABLE",
    "PROFILER_AVAILABLE",
    "PT2_AVAILABLE",
    "PT230_AVAILABLE",
    "XLA_AVAILABLE",
    "BaseHandler",
    "check_valid_pt2_backend",
    "list_classes_from_module",
    "load_label_mapping",
    "logger",
    "setup_ort_session",
    "timed",
]
