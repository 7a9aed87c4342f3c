from __future__ import annotations

import json

import pytest

from tsnb.handlers.context import Context, RequestProcessor
from tsnb.handlers.streaming import send_intermediate_predict_response


@pytest.fixture
def context() -> Context:
    context = Context("m", "/models/m", {"model": {}}, 4, 1, "0.1.0")
    context.request_ids = {0: "a", 1: "b"}
    context.request_processor = [
        RequestProcessor({"Content-Type": "x/y", "data": {"content-type": "z"}, "ts_request_sequence_id": "s"}),
        RequestProcessor({"explain": "True", "EXPLAIN": "shadow"}),
    ]
    return context


def test_headers_are_found_in_their_case_first_and_then_in_any(context: Context) -> None:
    assert context.get_request_header(0, "content-type") == "x/y"
    assert context.get_request_header(1, "explain") == "True"
    assert context.get_request_header(1, "EXPLAIN") == "shadow"
    assert context.get_request_header(1, "absent") is None
    assert context.get_request_header(0, "data") == {"content-type": "z"}
    assert context.get_request_header(0, "DATA") is None, "a parameter is no header"
    assert context.get_all_request_header(1) == {"explain": "True", "EXPLAIN": "shadow"}


def test_facts_about_the_model_are_a_plain_dict(context: Context) -> None:
    properties = context.system_properties
    assert properties == {
        "model_dir": "/models/m",
        "gpu_id": 1,
        "batch_size": 4,
        "server_name": "MMS",
        "server_version": "0.1.0",
        "limit_max_image_pixels": True,
    }
    assert properties.get("nothing") is None
    assert json.loads(json.dumps(properties)) == properties
    assert context.model_yaml_config == {}
    assert context.stopping_criteria is None
    assert context.header_key_sequence_start == "ts_request_sequence_start"


def test_status_and_headers_belong_to_one_row(context: Context) -> None:
    context.set_response_status(404, "gone", 1)
    context.set_response_header(1, "k", "v")
    context.set_response_content_type(0, "text/html")
    assert context.get_response_status(1) == (404, "gone")
    assert context.get_response_status(0) == (200, None)
    assert context.get_response_headers(1) == {"k": "v"}
    assert context.get_response_content_type(0) == "text/html"
    context.set_all_response_status(202, "all")
    assert [context.get_response_status(i) for i in (0, 1)] == [(202, "all")] * 2
    assert (context.get_request_id(), context.get_request_id(1), context.get_request_id(2)) == ("a", "b", None)
    assert context.get_sequence_id(0) == "s"


def test_while_no_request_runs() -> None:
    context = Context("m", "/", None, 1, None, "0")
    context.set_response_status(500)
    context.set_all_response_status(500)
    assert context.get_request_id() is None
    with pytest.raises(RuntimeError, match="no request is running"):
        context.get_request_header(0, "k")


def test_a_stream_needs_a_server(context: Context) -> None:
    with pytest.raises(RuntimeError, match="works in a served handler only"):
        send_intermediate_predict_response(["x"], context.request_ids, "text", 200, context)
