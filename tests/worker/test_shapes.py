from __future__ import annotations

import numpy as np
import pytest
import torch

from tsnb.worker.output import KEPT, Tail
from tsnb.worker.shapes import outline


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"body": bytearray(12)}], "[{'body': bytearray of 12 bytes}]"),
        (torch.zeros(1, 3), "Tensor float32 (1, 3) on cpu"),
        (np.zeros((2,), np.int8), "ndarray int8 (2,)"),
        ([1.5] * 784, "[784 × float]"),
        (["a", None, 1], "[str of 1 characters, None, int]"),
        ((True,), "(bool)"),
        ({}, "dict"),
        (list("abcdefghij"), "[" + "str of 1 characters, " * 8 + "… 2 more]"),
        ([[[[[[1]]]]]], "[[[[list of 1]]]]"),
    ],
)
def test_an_outline_says_types_and_shapes_never_values(value: object, text: str) -> None:
    assert outline(value) == text


def test_the_tail_keeps_the_newest_characters() -> None:
    tail = Tail()
    for number in range(5000):
        tail.add(f"line {number}\n")
    assert len(tail.text()) == KEPT
    assert tail.text().endswith("line 4999\n")
    tail.add("x" * 3 * KEPT)
    assert tail.text() == "x" * KEPT
    tail.clear()
    assert tail.text() == ""
