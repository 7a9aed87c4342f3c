"""Predictions through a real server: every kind of data, every kind of answer, every kind of failure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tsnb.client import Client
from tsnb.errors import BadRequest, HandlerFailed, ModelNotFound, TsnbError


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"x": [1, 2]}, {"x": [1, 2]}),
        ([1, "two", None], [1, "two", None]),
        (3.5, 3.5),
        (None, None),
        (True, True),
        ("text", "text"),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.float32(0.5), 0.5),
        (torch.tensor([1.0, 2.0], requires_grad=True), [1.0, 2.0]),
        ({"image": np.zeros(2), "scale": torch.tensor(3)}, {"image": [0.0, 0.0], "scale": 3}),
    ],
)
def test_values_arrive_as_they_were(client: Client, data: object, value: object) -> None:
    result = client.predict("talkative", data)
    assert result.status == 200
    assert result.json()["value"] == value


def test_bytes_files_and_images_arrive_with_their_type(client: Client, tmp_path: Path) -> None:
    png = tmp_path / "dot.png"
    Image.new("RGB", (2, 2)).save(png)
    said = [
        client.predict("talkative", data).text
        for data in (bytearray(b"abcde"), png, Image.new("RGB", (2, 2)), Image.new("CMYK", (2, 2)), png.open("rb"))
    ]
    assert said[0].startswith("application/octet-stream: 5 bytes")
    assert all(text.startswith("image/png:") for text in said[1:])
    notes = tmp_path / "notes.json"
    notes.write_text('{"a": 1}')
    assert client.predict("talkative", notes).json()["value"] == {"a": 1}
    assert client.predict("talkative", b'{"a": 2}', content_type="application/json").json()["value"] == {"a": 2}
    assert client.predict("talkative", "header", headers={"X-Own": "mine"}).text == "mine"


def test_what_cannot_be_sent_says_so(client: Client, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="No such file"):
        client.predict("talkative", tmp_path / "nothing.png")
    with pytest.raises(BadRequest, match="object cannot be sent"):
        client.predict("talkative", object())


def test_a_result_knows_its_request(client: Client) -> None:
    result = client.predict("talkative", "labels", "1.0")
    assert result.request_id == result.headers["X-Request-Id"]
    assert 0 < result.elapsed < 10
    assert result.ok
    assert result.kind == "labels"
    assert result.raise_for_status() is result


def test_kinds_of_answers(client: Client) -> None:
    kinds = [client.predict("talkative", word).kind for word in ("hello", "picture", "bytes", "header")]
    assert kinds == ["json", "image", "binary", "json"]


def test_a_status_of_the_handler_is_a_result(client: Client) -> None:
    result = client.predict("talkative", "teapot")
    assert (result.status, result.ok, result.json()) == (418, False, {"short": "stout"})
    with pytest.raises(TsnbError, match="stout") as caught:
        result.raise_for_status()
    assert caught.value.status == 418


def test_a_failing_handler_shows_its_traceback(client: Client) -> None:
    with pytest.raises(HandlerFailed, match="Prediction failed") as caught:
        client.predict("talkative", "fail")
    failure = caught.value.failure
    assert failure is not None
    assert (failure.type, failure.message) == ("ValueError", "the number 7 is bad")
    assert 'raise ValueError("the number 7 is bad")' in failure.traceback
    assert caught.value.request_id in failure.request_ids


def test_an_unknown_model(client: Client) -> None:
    with pytest.raises(ModelNotFound, match="Model not found: nobody"):
        client.predict("nobody", 1)


def test_parts_of_a_stream_come_one_by_one(client: Client) -> None:
    assert b"".join(client.stream("three_parts", "go")) == b"one two three"
    with pytest.raises(ModelNotFound):
        list(client.stream("nobody", 1))


def test_predict_async_leaves_the_loop_free(client: Client) -> None:
    async def both() -> list[object]:
        results = await asyncio.gather(*(client.predict_async("talkative", number) for number in (1, 2)))
        return [result.json()["value"] for result in results]

    assert asyncio.run(both()) == [1, 2]
