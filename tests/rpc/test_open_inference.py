"""The Open Inference Protocol (spec 4.3): tensors in, JSON to the handler, tensors out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rpc.conftest import DEADLINE, Client, refused


def call(client: Client, method: str, **fields: Any) -> Any:
    request = getattr(client.protos.oip, f"{method}Request")(**fields)
    return getattr(client.oip, method)(request, timeout=DEADLINE)


def infer(client: Client, kind: str, field: str, values: list[Any], request_id: str = "7") -> Any:
    oip = client.protos.oip
    contents = oip.InferTensorContents(**{field: values})
    tensor = oip.ModelInferRequest.InferInputTensor(name="x", datatype=kind, shape=[len(values)], contents=contents)
    return call(client, "ModelInfer", model_name="tensors", id=request_id, inputs=[tensor])


def test_the_server_says_what_it_is(client: Client) -> None:
    assert call(client, "ServerLive").live
    assert call(client, "ServerReady").ready
    assert call(client, "ServerMetadata").name == "tsnb"


def test_a_model_says_whether_it_is_ready_and_which_versions_there_are(client: Client) -> None:
    assert call(client, "ModelReady", name="tensors").ready
    assert call(client, "ModelReady", name="tensors", version="1.0").ready
    found = call(client, "ModelMetadata", name="tensors")
    assert (found.name, found.versions, found.platform, found.inputs) == ("tensors", ["1.0"], "", [])


@pytest.mark.parametrize(
    ("method", "fields", "code", "text"),
    [
        ("ModelReady", {}, "INTERNAL", "Parameter name is required.\nBadRequestException.()"),
        ("ModelReady", {"name": "no"}, "NOT_FOUND", "Model not found: no\n"),
        ("ModelReady", {"name": "tensors", "version": "9"}, "NOT_FOUND", "Model version: 9 does not exist"),
        ("ModelMetadata", {}, "INTERNAL", "Parameter model_name is required.\nBadRequestException.()"),
        ("ModelMetadata", {"name": "tensors", "version": "9"}, "NOT_FOUND", "Model version: 9 does not exist"),
        ("ModelInfer", {}, "INTERNAL", "Parameter model_name is required.\nBadRequestException.()"),
        ("ModelInfer", {"model_name": "no"}, "INTERNAL", "Model not found: no\n"),
        ("ModelInfer", {"model_name": "tensors", "raw_input_contents": [b""]}, "INVALID_ARGUMENT", "raw_input_content"),
    ],
)
def test_errors(client: Client, method: str, fields: dict[str, Any], code: str, text: str) -> None:
    found, details = refused(call, client, method, **fields)
    assert found == code
    assert details.startswith(text)


@pytest.mark.parametrize(
    ("kind", "field", "values"),
    [
        ("BOOL", "bool_contents", [True, False]),
        ("INT8", "int_contents", [-3, 4]),
        ("INT16", "int_contents", [-3]),
        ("INT32", "int_contents", [-(2**31)]),
        ("INT64", "int64_contents", [-(2**63), 5]),
        ("UINT8", "uint_contents", [255]),
        ("UINT16", "uint_contents", [3]),
        ("UINT32", "uint_contents", [2**32 - 1]),
        ("UINT64", "uint64_contents", [2**64 - 1]),
        ("FP64", "fp64_contents", [1e300, 0.1]),
        ("FP32", "fp32_contents", [1.5, -2.0]),
        ("FP32", "fp32_contents", []),
    ],
)
def test_tensors_go_there_and_back(client: Client, kind: str, field: str, values: list[Any]) -> None:
    answer = infer(client, kind, field, values)
    assert (answer.model_name, answer.model_version, answer.id) == ("tensors", "1.0", "7")
    (output,) = answer.outputs
    assert (output.name, output.datatype, output.shape) == ("x", kind, [len(values)])
    assert list(getattr(output.contents, field)) == values


def test_bytes_reach_the_handler_as_base64_and_come_back_as_json(client: Client) -> None:
    (output,) = infer(client, "BYTES", "bytes_contents", [b"hi", b"\xff"]).outputs
    assert list(output.contents.bytes_contents) == [b'"aGk="', b'"/w=="']
    (output,) = infer(client, "BYTES", "bytes_contents", [], "objects").outputs
    assert list(output.contents.bytes_contents) == [b'"a"', b'{"b":1}']


def test_a_float_keeps_its_short_form() -> None:
    from tsnb.rpc.descriptors import message
    from tsnb.rpc.tensors import to_json

    request = message("openinference.ModelInferRequest")(model_name="m")
    tensor = request.inputs.add(name="x", datatype="FP32", shape=[3])
    tensor.contents.fp32_contents.extend([1.1, 16777217, 0.1])
    assert to_json(request)["inputs"][0]["data"] == [1.1, 16777216.0, 0.1]


def test_an_unknown_datatype_is_refused(client: Client) -> None:
    code, text = refused(infer, client, "FP16", "fp32_contents", [1])
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("Input 'x' has the datatype 'FP16'. Use one of BOOL, INT8")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("text", "it is no JSON"),
        ("bare", "it lacks model_name, model_version, outputs"),
        ("no data", "an output lacks data"),
        ("odd type", "output 'x' has the datatype 'FP16'"),
        ("odd value", "The handler's answer is no inference response"),
    ],
)
def test_an_answer_of_another_form_is_the_handlers_fault(client: Client, answer: str, problem: str) -> None:
    code, text = refused(infer, client, "FP32", "fp32_contents", [1], answer)
    assert code == "INTERNAL"
    assert problem in text
