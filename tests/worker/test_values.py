from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsnb.worker.values import Unserialisable, decode_value, decode_values, encode_value

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(values.filter(lambda value: not isinstance(value, str)))
def test_json_answers_are_those_of_an_indenting_dump(value: object) -> None:
    assert bytes(encode_value(value)).decode() == json.dumps(value, indent=2)


@given(st.dictionaries(st.integers() | st.floats() | st.booleans() | st.none(), scalars))
def test_keys_that_are_no_text_are_written_as_json_does(value: dict[object, object]) -> None:
    assert bytes(encode_value(value)).decode() == json.dumps(value, indent=2)


@given(values)
def test_json_bodies_are_read_as_json_does(value: object) -> None:
    text = json.dumps(value)
    assert repr(decode_value("body", "application/json", text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize(
    "text", ["-0", "1E400", "[NaN, Infinity]", '{"a":1,"a":2}', " 1 ", '"\\ud800"', "123456789012345678901234567890"]
)
def test_odd_json_is_read_as_json_does(text: str) -> None:
    assert repr(decode_value("body", "application/json", text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nul", "\ufeff1", "[" * 100_000])
def test_what_is_no_json_stays_bytes(text: str) -> None:
    assert decode_value("body", "application/json", text.encode()) == bytearray(text.encode())


def test_one_that_is_no_json_leaves_the_others_of_its_batch_alone() -> None:
    found = decode_values("body", "application/json", [b'{"a": 1}', b"nul", b"[NaN]"])
    assert found[0] == {"a": 1}
    assert found[1] == bytearray(b"nul")
    assert math.isnan(found[2][0])
    assert decode_values("body", "application/json", [b"1"], decode=False) == [bytearray(b"1")]
    assert decode_values("body", "text/plain", [b"a", b"\xff"]) == ["a", bytearray(b"\xff")]


@pytest.mark.parametrize("value", [object(), {1: {2, 3}}, [b"bytes"], {(1, 2): 3}, 1j])
def test_what_has_no_bytes_is_refused(value: object) -> None:
    with pytest.raises(Unserialisable):
        encode_value(value)


def test_a_list_that_holds_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(Unserialisable):
        encode_value(value)


def test_not_a_number_is_written_as_json_does() -> None:
    assert encode_value([math.nan]) == b"[\n  NaN\n]"
