"""``ts.utils.util``."""

from __future__ import annotations

from tsnb.handlers.errors import PredictionException
from tsnb.handlers.labels import load_label_mapping, map_class_to_label
from tsnb.handlers.modules import list_classes_from_module

__all__ = ["PredictionException", "list_classes_from_module", "load_label_mapping", "map_class_to_label"]
