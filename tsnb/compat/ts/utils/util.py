"""``ts.utils.util``."""

from __future__ import annotations

from tsnb.handlers.compiling import PT2Backend, check_valid_pt2_backend
from tsnb.handlers.errors import PredictionException
from tsnb.handlers.helpers import deprecated, get_yaml_config
from tsnb.handlers.labels import load_label_mapping, map_class_to_label
from tsnb.handlers.modules import list_classes_from_module

__all__ = [
    "PT2Backend",
    "PredictionException",
    "check_valid_pt2_backend",
    "deprecated",
    "get_yaml_config",
    "list_classes_from_module",
    "load_label_mapping",
    "map_class_to_label",
]
