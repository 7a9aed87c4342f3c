"""What a worker finds in its environment beside what the server has in its own (spec 6.11)."""

from __future__ import annotations

import os

from tsnb.config import Config
from tsnb.engine.placement import variable
from tsnb.engine.processes import threads, usable_cores
from tsnb.messages import ModelSpec

NO_IPEX = {"TS_IPEX_ENABLE": "false", "TS_IPEX_GPU_ENABLE": "false"}
"""Handlers read these without a default, as TorchServe always sets them."""


def extras(spec: ModelSpec, config: Config, gpus: tuple[int, ...], workers: int) -> dict[str, str]:
    """The variables of one of so many workers of a model, which was given these GPUs."""
    decode = str(config.decode_input_request).lower()
    extra = {"TS_DECODE_INPUT_REQUEST": decode, **NO_IPEX, **sequence_headers(config)}
    if spec.parallelism and gpus:
        extra["CUDA_VISIBLE_DEVICES"] = variable(gpus, os.environ)
    if spec.packages and not spec.use_venv:
        extra["PYTHONPATH"] = os.pathsep.join(filter(None, [spec.packages, os.environ.get("PYTHONPATH")]))
    if "OMP_NUM_THREADS" not in os.environ:
        extra["OMP_NUM_THREADS"] = str(threads(usable_cores(), workers))
    return extra


def sequence_headers(config: Config) -> dict[str, str]:
    """The names of the sequence headers, where they are not the usual ones, as a handler's context reads them."""
    names = {
        "TS_REQUEST_SEQUENCE_ID": config.ts_header_key_sequence_id,
        "TS_REQUEST_SEQUENCE_START": config.ts_header_key_sequence_start,
        "TS_REQUEST_SEQUENCE_END": config.ts_header_key_sequence_end,
    }
    return {each: name for each, name in names.items() if name != each.lower()}
