from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tsnb.handlers.labels import load_label_mapping, map_class_to_label


@pytest.mark.parametrize(
    ("content", "mapping"),
    [
        ({"0": "cat", "1": "dog"}, {"0": "cat", "1": "dog"}),
        ({"0": ["n01440764", "tench"]}, {"0": "tench"}),
        ({"object_type_names": ["a", "b"]}, {"0": "a", "1": "b"}),
    ],
)
def test_the_three_shapes_of_a_mapping(tmp_path: Path, content: Any, mapping: dict[str, str]) -> None:
    file = tmp_path / "index_to_name.json"
    file.write_text(json.dumps(content))
    assert load_label_mapping(str(file)) == mapping


@pytest.mark.parametrize(("content", "says"), [([1], "must hold a JSON object"), ({"0": 5}, "the label of class 0")])
def test_other_shapes_are_refused(tmp_path: Path, content: Any, says: str) -> None:
    file = tmp_path / "index_to_name.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=says):
        load_label_mapping(str(file))


def test_no_file_is_no_mapping(tmp_path: Path) -> None:
    assert load_label_mapping(str(tmp_path / "absent.json")) is None


def test_probabilities_get_names() -> None:
    assert map_class_to_label([[0.9, 0.1]], {"3": "c", "0": "a"}, [[3, 0]]) == [{"c": 0.9, "a": 0.1}]
    assert map_class_to_label([[0.9, 0.1]]) == [{"0": 0.9, "1": 0.1}]
    with pytest.raises(TypeError, match=r"use \.tolist\(\)"):
        map_class_to_label((1,))  # type: ignore[arg-type]
