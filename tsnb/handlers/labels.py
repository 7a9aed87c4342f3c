"""``index_to_name.json``: from class numbers to names (spec 6.5)."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from typing import Any

logger = logging.getLogger(__name__)


def load_label_mapping(mapping_file_path: str) -> dict[str, str] | None:
    """The mapping in a file, or None where there is no such file: many models have none.

    Values are names, or lists whose last element is the name; or the file is
    ``{"object_type_names": [name, …]}``. Anything else raises ValueError.
    """
    if not os.path.isfile(mapping_file_path):
        logger.info("%s is missing: answers carry class numbers instead of names.", os.path.basename(mapping_file_path))
        return None
    with open(mapping_file_path, encoding="utf-8") as file:
        mapping = json.load(file)
    if not isinstance(mapping, dict):
        raise ValueError(
            f'{mapping_file_path} must hold a JSON object {{"0": "name", …}}, not {type(mapping).__name__}'
        )
    names = mapping.get("object_type_names")
    if isinstance(names, list):
        return {str(index): name for index, name in enumerate(names)}
    return {key: _label(key, value) for key, value in mapping.items()}


def _label(key: str, value: Any) -> str:
    name = value[-1] if isinstance(value, list) and value else value
    if not isinstance(name, str):
        raise ValueError(f"the label of class {key} must be a string or a list that ends in one, not {value!r}")
    return name


def map_class_to_label(
    probs: list[list[float]],
    mapping: dict[str, str] | None = None,
    lbl_classes: Sequence[Sequence[int]] | None = None,
) -> list[dict[str, float]]:
    """One ``{name: probability}`` per row; ``lbl_classes`` are the class numbers of each row (default 0, 1, …)."""
    if not isinstance(probs, list):
        raise TypeError(f"probabilities must be a list of lists (use .tolist()), not {type(probs).__name__}")
    if mapping is not None and not isinstance(mapping, dict):
        raise TypeError(f"the mapping must be a dict, not {type(mapping).__name__}")
    classes = lbl_classes if lbl_classes is not None else [range(len(row)) for row in probs]
    return [
        {
            (mapping[str(number)] if mapping is not None else str(number)): p
            for number, p in zip(numbers, row, strict=False)
        }
        for numbers, row in zip(classes, probs, strict=False)
    ]
