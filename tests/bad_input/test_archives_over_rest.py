"""Archives, names, numbers and bodies that make no sense: the right status, one message, nothing left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.bad_input.conftest import Rest, error, put
from tests.bad_input.handlers import FINE, body

BROKEN, NOT_FOUND, BAD, DOWNLOAD = (
    (400, "InvalidModelException"),
    (404, "ModelNotFoundException"),
    (400, "BadRequestException"),
    (400, "DownloadArchiveException"),
)

URLS = {
    "missing.mar": (NOT_FOUND, "Model not found at: missing.mar"),
    "broken.mar": (BROKEN, "broken.mar is broken"),
    "empty.mar": (BROKEN, "neither a zip"),
    "text.mar": (BROKEN, "neither a zip"),
    "pipe.mar": (NOT_FOUND, "Model not found"),
    "loop.mar": (NOT_FOUND, "Model not found"),
    "no-handler": (BROKEN, "names no handler"),
    "no-manifest-json": (BROKEN, "is not JSON"),
    "manifest-is-a-list": (BROKEN, "holds a list"),
    "config-is-a-list": (BROKEN, "must hold settings"),
    "config-is-too-large-a-number": (BROKEN, "more than 64 bits"),
    "config-without-a-name": (BROKEN, "without a name"),
    "config-wants-5000-workers": (BAD, "5000 workers are too many"),
    "../escape": (NOT_FOUND, "Relative path is not allowed"),
    "/etc": (BROKEN, "is no model"),
    "/dev/zero": (NOT_FOUND, "Model not found"),
    "x" * 5000: (NOT_FOUND, "File name too long"),
    "nul\0byte": (NOT_FOUND, "Model not found"),
    "ftp://host/x.mar": (NOT_FOUND, "Model not found"),
    "file:///dev/zero": (DOWNLOAD, "no such file"),
    "file:///no/such/file.mar": (DOWNLOAD, "Failed to download"),
    "http://127.0.0.1:1/x.mar": (DOWNLOAD, "Failed to download"),
    "http://127.0.0.1:1/": (DOWNLOAD, "no file name"),
    "http://[half/x.mar": (DOWNLOAD, "Invalid IPv6"),
}


@pytest.fixture(scope="module")
def store(rest: Rest) -> Path:
    store = rest.store
    (store / "broken.mar").write_bytes(b"PK\x03\x04 and no more")
    (store / "empty.mar").write_bytes(b"")
    (store / "text.mar").write_text("hello")
    os.mkfifo(store / "pipe.mar")
    (store / "loop.mar").symlink_to("loop.mar")
    rest.put("no-handler", handler=None)
    rest.put("config-is-a-list", config="- 1\n")
    rest.put("config-is-too-large-a-number", config=f"x: {10**30}\n")
    rest.put("config-without-a-name", config="null: 1\n")
    rest.put("config-wants-5000-workers", config="minWorkers: 5000\nmaxWorkers: 6000\n")
    for name, text in {"no-manifest-json": "{", "manifest-is-a-list": "[1]"}.items():
        rest.put(name)
        (store / name / "MAR-INF" / "MANIFEST.json").write_text(text)
    return store


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url[:30]))
def test_what_cannot_be_registered(rest: Rest, store: Path, url: str) -> None:
    before = sorted(os.listdir(store))
    (status, kind), told = URLS[url]
    answer = rest.register(url)
    assert error(answer)[:2] == (status, kind)
    assert told in error(answer)[2]
    assert rest.names() == ["fine"]
    assert sorted(os.listdir(store)) == before
    rest.is_well()


def test_a_download_that_is_no_archive_is_not_kept(rest: Rest, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("not an archive")
    assert error(rest.register(f"file://{tmp_path}/secret.txt"))[:2] == BROKEN
    assert not (rest.store / "secret.txt").exists()


def test_a_folder_outside_the_store_is_served_in_place_and_stays(rest: Rest, tmp_path: Path) -> None:
    put(tmp_path, "outside")
    assert rest.register(str(tmp_path / "outside")).status_code == 200
    assert rest.predict("outside").content == b"fine"
    rest.unregister("outside")
    assert (tmp_path / "outside" / "handler.py").read_text() == FINE


NUMBERS: dict[str, tuple[dict[str, Any], str]] = {
    "workers": ({"initial_workers": 5000}, "5000 workers are too many: at most 1024"),
    "no time": ({"response_timeout": 0}, "response_timeout is 0 seconds"),
    "negative time": ({"startup_timeout": -1}, "startup_timeout is -1 seconds"),
    "runtime": ({"runtime": "java"}, "Invalid RuntimeType value: java"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_that_make_no_sense(rest: Rest, case: str) -> None:
    options, told = NUMBERS[case]
    answer = rest.register("fine", model_name="other", **options)
    assert error(answer)[:2] == BAD
    assert told in error(answer)[2]
    assert rest.names() == ["fine"]


@pytest.mark.parametrize("name", ["batch_size", "max_batch_delay", "response_timeout", "startup_timeout"])
@pytest.mark.parametrize("value", [str(10**30), "many", ""])
def test_what_is_no_number_is_not_said(rest: Rest, name: str, value: str) -> None:
    assert rest.register("fine", model_name="other", **{name: value}).status_code == 200
    assert rest.predict("other").content == b"fine"
    assert rest.http.get("/-/models").status_code == 200
    rest.unregister("other")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/models/fine?min_worker=-1", BAD),
        ("/models/fine?min_worker=5000", BAD),
        ("/models/fine?min_worker=2&max_worker=1", BAD),
        ("/models/nobody", (404, "ModelNotFoundException")),
        ("/models/fine/9", (404, "ModelVersionNotFoundException")),
        ("/models/fine/9/set-default", (404, "ModelVersionNotFoundException")),
    ],
)
def test_changes_that_make_no_sense(rest: Rest, path: str, expected: tuple[int, str]) -> None:
    assert error(rest.http.put(path))[:2] == expected
    rest.is_well()


NAMES = ["a b", "é ü", "a/b", "../x", "..", "x" * 3000, "a\nb", 'a"b{}', "-", "all", "<script>", "%2F", "a?b#c", " "]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_any_text_can_name_a_model(rest: Rest, name: str) -> None:
    assert rest.register("fine", model_name=name).status_code == 200
    assert name in rest.names()
    path = quote(name, safe="").replace(".", "%2E")
    assert rest.predict(path).content == b"fine"
    assert rest.http.get("/metrics").status_code == 200
    rest.unregister(path)


def post_json(rest: Rest, path: str, text: bytes) -> httpx.Response:
    return rest.http.post(path, content=text, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"{", BAD),
        (b"[1]", BAD),
        (b"[" * 100_000, BAD),
        (b'{"url": "\\ud800"}', NOT_FOUND),
        (b'{"url": {"a": 1}}', NOT_FOUND),
        (b'{"url": "fine", "model_name": "\\ud800"}', BAD),
    ],
)
def test_json_that_registers_nothing(rest: Rest, text: bytes, expected: tuple[int, str]) -> None:
    assert error(post_json(rest, "/models", text))[:2] == expected
    assert rest.names() == ["fine"]
    rest.is_well()


def test_bodies_reach_the_handler_as_they_are(rest: Rest) -> None:
    rest.put("echo", body("return [{'got': repr(next(iter(data[0].values()), None))[:40]}]"))
    assert rest.register("echo").status_code == 200
    for text, seen in {
        b"": "bytearray(b'')",
        b'{"x": NaN, "y": -Infinity}': "{'x': nan, 'y': -inf}",
        b"1e999": "inf",
        b'{"x": ': "bytearray(b'{\"x\": ')",
        b"[1, [2, 3]]": "[1, [2, 3]]",
        b"\xff\xfe": "bytearray(b'\\xff\\xfe')",
        b"9" * 5000: "bytearray(b'" + "9" * 28,
        b"[" * 100_000: "bytearray(b'" + "[" * 28,
    }.items():
        assert json.loads(post_json(rest, "/predictions/echo", text).content) == {"got": seen}
    rest.unregister("echo")


def test_a_body_over_the_limit(rest: Rest) -> None:
    def pieces() -> Any:
        yield from (b"x" * 1_000_000 for _ in range(10))

    assert rest.predict("fine", b"x" * 10_000_000).status_code == 413
    assert rest.http.post("/predictions/fine", content=pieces()).status_code == 413
    rest.is_well()


def test_unknown_models_and_versions(rest: Rest) -> None:
    assert error(rest.predict("nobody"))[:2] == (404, "ModelNotFoundException")
    assert error(rest.predict("fine/9"))[:2] == (404, "ModelVersionNotFoundException")
    assert error(rest.register("fine"))[:2] == (409, "ConflictStatusException")
    rest.is_well()
