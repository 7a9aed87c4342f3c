"""JSON that is written by compiled code is, byte for byte, what Python writes, or is left to Python."""

from __future__ import annotations

import enum
import json
import struct
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tsnb.speedups import indented
from tsnb.speedups.plain import indented as nothing
from tsnb.worker.values import Unserialisable, encode_value

pytestmark = pytest.mark.skipif(indented is nothing, reason="nothing is compiled here")

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | FLOATS | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def python(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode()


@given(VALUES)
@example('\x00\x1f\x7f"\\/\u2028\ud800é😀')
@example("\x7f")
@example("~ !")
@example([[], {}, (), [[]], {"": {}}])
def test_it_is_what_python_writes(value: Any) -> None:
    assert indented(value) == python(value)


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=50))
def test_every_float_has_the_digits_that_python_gives_it(bits: list[bytes]) -> None:
    numbers = [number for (number,) in map(struct.Struct("d").unpack, bits) if number - number == 0]
    assert indented(numbers) == python(numbers)


EDGES = [0.0, -0.0, 1e-4, 9.999e-5, 1e15, 1e16, 9999999999999998.0, 123456789012345680.0, 100.0, 0.1, 1 / 3, 1e22, 1e23]
EXTREMES = [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.5e-7]


@pytest.mark.parametrize("number", [*EDGES, *EXTREMES])
def test_floats_at_the_edges(number: float) -> None:
    assert indented(number) == python(number)


class Level(enum.IntEnum):
    HIGH = 3


class Words(str):
    __slots__ = ()


OTHERS = [
    [float("nan")], {"a": float("inf")}, [2**63], [-(2**63) - 1], {1: 2}, {None: 1}, [Level.HIGH], [Words("w")],
    {Words("k"): 1}, [OrderedDict(a=1)], OrderedDict(a=1),
]  # fmt: skip


@pytest.mark.parametrize("value", OTHERS, ids=str)
def test_what_it_leaves_to_python_is_answered_all_the_same(value: Any) -> None:
    assert indented(value) is None
    assert encode_value(value) == python(value)


def test_what_has_no_json_is_refused_as_before() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for value in ([{1, 2}], [b"bytes"], {"a": object()}, circle, deep):
        assert indented(value) is None
        with pytest.raises(Unserialisable):
            encode_value(value)
