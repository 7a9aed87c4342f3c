"""What a worker finds in its environment (spec 6.11)."""

from __future__ import annotations

import pytest

from tsnb.config import Config
from tsnb.engine import surroundings
from tsnb.messages import ModelSpec


@pytest.mark.parametrize(("decode", "said"), [(True, "true"), (False, "false")])
def test_handlers_find_the_variables_that_torchserve_always_sets(decode: bool, said: str) -> None:
    spec = ModelSpec(name="m", version="1", url="m.mar", model_dir="m", handler="m.py")
    found = surroundings.extras(spec, Config(decode_input_request=decode), (), 1)
    always = {"TS_DECODE_INPUT_REQUEST": said, "TS_IPEX_ENABLE": "false", "TS_IPEX_GPU_ENABLE": "false"}
    assert {name: value for name, value in found.items() if name.startswith("TS_")} == always
