"""HTTP bodies as parameters. The expectations were read off TorchServe 0.12.0."""

from __future__ import annotations

import httpx
import pytest

from tsnb.errors import BadRequest
from tsnb.messages import Parameter
from tsnb.rest.bodies import FILE_TYPE, MAX_PARAMETERS, parameters, query_parameters
from tsnb.rest.routes import Request, parse_query

FORM = "application/x-www-form-urlencoded"


def read(content_type: str, body: bytes) -> tuple[Parameter, ...]:
    headers = {"Content-Type": content_type} if content_type else {}
    return parameters(Request("POST", "/", headers=headers, body=body))


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"


FIELD = b'Content-Disposition: form-data; name="a"\r\n\r\n1'


@pytest.mark.parametrize(
    ("content_type", "mime"),
    [
        ("", ""),
        ("application/json; charset=utf-8", "application/json"),
        ("Application/JSON", "Application/JSON"),
        ("multipart/form-data", "multipart/form-data"),
        ("Multipart/Form-Data; boundary=x", "Multipart/Form-Data"),
    ],
)
def test_anything_but_a_form_is_one_body(content_type: str, mime: str) -> None:
    assert read(content_type, b"[1]") == (Parameter("body", b"[1]", mime),)


def test_no_body_is_an_empty_body() -> None:
    assert read("", b"") == (Parameter("body", b"", ""),)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a=1&c=&d=x+y%20z%ff", [("a", b"1"), ("c", b""), ("d", b"x y z\xff")]),
        (b'{"x": 1}', []),
        (b"b=1&a", [("b", b"1")]),
        (b"a&b=1", [("a", b""), ("b", b"1")]),
        (b"a=1=2", [("a", b"1=2")]),
        (b"a=1;b=2", [("a", b"1;b=2")]),
        (b"n%C3%A4me=1", [("näme", b"1")]),
        (b"", []),
    ],
)
def test_urlencoded_fields(body: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert read(FORM, body) == tuple(Parameter(name, value) for name, value in expected)


def test_urlencoded_is_known_in_any_case() -> None:
    assert read("Application/X-WWW-Form-Urlencoded", b"a=1") == (Parameter("a", b"1"),)


def test_parts_of_a_real_client_keep_their_order_types_and_bytes() -> None:
    blob = bytes(range(256)) * 1000 + b"\r\n--not the boundary\r\n"
    request = httpx.Request(
        "POST",
        "http://x/",
        data={"size": "3"},
        files=[("data", ("a.png", blob, "image/png")), ("text", ("b.txt", b"", "text/plain; charset=utf-8"))],
    )
    assert read(request.headers["content-type"], request.read()) == (
        Parameter("size", b"3"),
        Parameter("data", blob, "image/png"),
        Parameter("text", b"", "text/plain"),
    )


def test_a_plain_field_has_no_type_and_a_file_without_one_is_binary() -> None:
    typed = b'Content-Disposition: form-data; name="a"\r\nContent-Type: application/json\r\n\r\n{}'
    file = b'Content-Disposition: form-data; name="f"; filename="x"\r\n\r\n1'
    assert read("multipart/form-data; boundary=x", multipart(typed, file)) == (
        Parameter("a", b"{}"),
        Parameter("f", b"1", FILE_TYPE),
    )


def test_a_quoted_boundary() -> None:
    assert read('multipart/form-data; boundary="x"', multipart(FIELD)) == (Parameter("a", b"1"),)


def test_of_truncated_multipart_the_whole_parts_count() -> None:
    body = multipart(FIELD, FIELD.replace(b'"a"', b'"b"'))
    assert read("multipart/form-data; boundary=x", body[:-8]) == (Parameter("a", b"1"),)
    assert read("multipart/form-data; boundary=x", b"hello") == ()
    assert read("multipart/form-data; boundary=x", b"") == ()


@pytest.mark.parametrize("part", [b"Content-Disposition: form-data\r\n\r\n1", b"nonsense\r\n\r\n1", b"\r\n1"])
def test_nonsense_parts_are_refused(part: bytes) -> None:
    with pytest.raises(BadRequest, match="multipart"):
        read("multipart/form-data; boundary=x", multipart(part))


def test_the_number_of_fields_is_limited() -> None:
    with pytest.raises(BadRequest, match=str(MAX_PARAMETERS)):
        read("multipart/form-data; boundary=x", multipart(*[FIELD] * (MAX_PARAMETERS + 1)))
    with pytest.raises(BadRequest, match=str(MAX_PARAMETERS)):
        read(FORM, b"&".join([b"a=1"] * (MAX_PARAMETERS + 1)))


def test_query_parameters_are_bytes_in_order() -> None:
    request = Request("GET", "/", parse_query("b=1&a=%C3%A4&b=2&c"))
    assert query_parameters(request) == (
        Parameter("b", b"1"),
        Parameter("b", b"2"),
        Parameter("a", "ä".encode()),
        Parameter("c", b""),
    )


def test_semicolons_part_query_parameters_too() -> None:
    assert parse_query("a=1;b=2%3B&c") == {"a": ["1"], "b": ["2;"], "c": [""]}
