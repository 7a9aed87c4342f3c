"""Tensors of the Open Inference Protocol: messages ↔ the JSON that handlers read and write (spec 4.3). Pure."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from typing import Any

from tsnb.errors import BadRequest, HandlerFailed
from tsnb.rpc.descriptors import Message, message

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where a datatype's values are."""

FLOAT = struct.Struct("<f")
REQUIRED = ("id", "model_name", "model_version", "outputs")
REQUIRED_OF_OUTPUT = ("name", "datatype", "shape", "data")


def to_json(request: Message) -> dict[str, Any]:
    """A ModelInferRequest as the body that its handler gets. Bytes become base64. Raises BadRequest."""
    if request.raw_input_contents:
        raise BadRequest("raw_input_contents is not read. Put the values into inputs[].contents.")
    return {"id": request.id, "model_name": request.model_name, "inputs": [_input(each) for each in request.inputs]}


def _input(tensor: Message) -> dict[str, Any]:
    if tensor.datatype not in CONTENTS:
        raise BadRequest(
            f"Input {tensor.name!r} has the datatype {tensor.datatype!r}. Use one of {', '.join(CONTENTS)}."
        )
    name = CONTENTS[tensor.datatype]
    values = list(getattr(tensor.contents, name))
    if name == "fp32_contents":
        values = [_shortest(value) for value in values]
    elif name == "bytes_contents":
        values = [b64encode(value).decode() for value in values]
    return {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype, "data": values}


def to_message(body: bytes) -> Message:
    """A handler's answer as a ModelInferResponse. Raises HandlerFailed where it has not the protocol's form."""
    found = _object(body)
    missing = [name for name in REQUIRED if name not in found]
    if missing or not isinstance(found["outputs"], list):
        raise _no_answer(f"it lacks {', '.join(missing)}" if missing else "outputs is no list")
    try:
        response = message("openinference.ModelInferResponse")(
            **{name: str(found[name]) for name in ("id", "model_name", "model_version")}
        )
        for output in found["outputs"]:
            _add(response, output)
    except (TypeError, ValueError, OverflowError) as error:
        raise _no_answer(str(error)) from error
    return response


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(bytes(body))
    except ValueError as error:
        raise _no_answer("it is no JSON") from error
    if not isinstance(found, dict):
        raise _no_answer(f"it is a JSON {type(found).__name__}")
    return found


def _add(response: Message, output: Any) -> None:
    missing = [name for name in REQUIRED_OF_OUTPUT if not isinstance(output, dict) or name not in output]
    if missing:
        raise _no_answer(f"an output lacks {', '.join(missing)}")
    name, kind = str(output["name"]), str(output["datatype"])
    if kind not in CONTENTS:
        raise _no_answer(f"output {name!r} has the datatype {kind!r}; use one of {', '.join(CONTENTS)}")
    tensor = response.outputs.add(name=name, datatype=kind, shape=output["shape"])
    values = output["data"]
    if kind == "BYTES":
        values = [json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() for value in values]
    getattr(tensor.contents, CONTENTS[kind]).extend(values)


def _no_answer(reason: str) -> HandlerFailed:
    return HandlerFailed(
        f"The handler's answer is no inference response: {reason}. It must be a JSON object with "
        f"{', '.join(REQUIRED)}, each output with {', '.join(REQUIRED_OF_OUTPUT)}.",
        status=500,
    )


def _shortest(value: float) -> float:
    """The shortest decimal number that is the same 32-bit float: 1.1, not 1.100000023841858."""
    for digits in range(6, 9):
        found = float(f"{value:.{digits}g}")
        if FLOAT.unpack(FLOAT.pack(found))[0] == value:
            return found
    return value
