"""What an answer is, and how it shows itself."""

from __future__ import annotations

import json

import httpx
import pytest

from tsnb.client.result import Result, labels, of_the_model, pretty_json
from tsnb.errors import TsnbError

PNG = b"\x89PNG\r\n\x1a\n"


def result(content: bytes, status: int = 200, **headers: str) -> Result:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Result(status, httpx.Headers({"x-request-id": "id-1", **named}), content, 0.0042)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"{}", "json"),
        (b'{"cat": 0.9, "dog": 0.1}', "labels"),
        (b'[{"cat": 0.9, "dog": 0.1}]', "labels"),
        (b'{"cat": 0.9, "dog": 1}', "json"),
        (b'{"cat": 90.5}', "json"),
        (PNG, "image"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image"),
        (b"hello\n", "text"),
        (b"<svg onload=alert(1)>", "text"),
        (b"\x00\x01", "binary"),
        (b"\xff\xfe", "binary"),
    ],
)
def test_kind(content: bytes, kind: str) -> None:
    assert result(content).kind == kind


def test_the_content_type_cannot_make_a_page_of_an_answer() -> None:
    shown = result(b"<script>alert(1)</script>", content_type="image/svg+xml")._repr_html_()
    assert "<script" not in shown


def test_hostile_labels_and_request_ids_stay_text() -> None:
    answer = Result(200, httpx.Headers({"x-request-id": "<i>"}), b'{"<script>": 0.5, "b": 0.5}', 0.1)
    assert "<script>" not in answer._repr_html_()
    assert "<i>" not in answer._repr_html_().replace("<i style", "")


def test_repr_is_short_and_readable() -> None:
    assert repr(result(b'{"label": 3}')) == '200 OK · 4.2 ms\n{"label": 3}'
    long = repr(result(json.dumps([{"index": number, "text": "x" * 90} for number in range(1000)]).encode()))
    assert len(long.splitlines()) == 22
    assert "more lines" in long
    assert "<8 B of image/png>" in repr(result(PNG))


def test_a_picture_is_shown_as_one() -> None:
    assert 'src="data:image/png;base64,' in result(PNG)._repr_html_()


def test_json_of_what_is_none() -> None:
    with pytest.raises(TsnbError, match="starts with b'hello'"):
        result(b"hello").json()


def test_headers_ignore_case() -> None:
    assert result(b"", X_Own="1").headers["x-OWN"] == "1"


def test_the_login_of_the_notebook_server_is_no_part_of_an_answer() -> None:
    came = httpx.Headers([("Set-Cookie", "username-127=secret; Path=/"), ("Set-Cookie", "mine=1"), ("X-A", "b")])
    assert of_the_model(came).multi_items() == [("set-cookie", "mine=1"), ("x-a", "b")]


def test_labels_are_shares() -> None:
    assert labels({"a": 0.5}) == {"a": 0.5}
    assert labels({"a": True}) is None
    assert labels({"a": 0.9, "b": 0.9}) is None
    assert labels([]) is None


def test_pretty_json_keeps_short_things_on_a_line() -> None:
    value = {"boxes": [[1.5, 2.5, 3.5, 4.5]] * 2, "scores": list(range(60)), "text": "ü"}
    text = pretty_json(value)
    assert json.loads(text) == value
    assert max(map(len, text.splitlines())) <= 88
    assert '"boxes": [[1.5, 2.5, 3.5, 4.5], [1.5, 2.5, 3.5, 4.5]]' in text
    assert len(text.splitlines()) < 12


def test_a_deep_or_huge_answer_is_still_shown() -> None:
    assert result(b"[" * 100_000 + b"]" * 100_000).kind == "text"
    huge = result(json.dumps(["x" * 100] * 50_000).encode())
    assert len(huge.pretty) < 25_000
