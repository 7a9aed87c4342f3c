"""The examples, by the commands of their pages: made, served by ``tsnb serve``, asked."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.command import DEADLINE, Server

from tests.examples.pages import EXAMPLES, KINDS, PAGES, build


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    settings = [f"{name}_address=http://127.0.0.1:0" for name in ("inference", "management", "metrics")]
    (folder / "config.properties").write_text(
        "\n".join([*settings, "enable_grpc=false", "default_workers_per_model=1"])
    )
    arguments = ["--model-store", str(build(folder)), "--models", "all", "--disable-token-auth"]
    server = Server(arguments, folder, {"OMP_NUM_THREADS": "1"}, ()).until_ready()
    yield server.url
    server.stop()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages ask with curl, which is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_an_example_answers_what_its_page_says(url: str, folder: Path, kind: str) -> None:
    assert PAGES[kind].ask(url, folder) == PAGES[kind].answers


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_serves_the_archive_it_made(kind: str) -> None:
    page = PAGES[kind]
    name = page.model
    served = shlex.split(page.serve)
    assert served == ["tsnb", "serve", "--model-store", ".", "--models", f"{name}={name}.mar", "--disable-token-auth"]
    assert all(f"/predictions/{name} " in question for question, _ in page.asked)
    assert f"({kind})" in (EXAMPLES / "README.md").read_text()


def post(url: str, body: bytes, **headers: str) -> httpx.Response:
    return httpx.post(url, content=body, headers=headers, timeout=DEADLINE, trust_env=False)


def test_a_bad_request_fails_alone(url: str) -> None:
    good = b'{"sepal_length": 6.5, "sepal_width": 3.0, "petal_length": 5.5, "petal_width": 2.0}'
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(post, f"{url}/predictions/irises", body) for body in [good, b"5"] * 6]
    # without a content type nothing is parsed: all of these are bytes, and no requests that make sense
    assert {answer.result().status_code for answer in asked} == {400}
    kind = {"content-type": "application/json"}
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(post, f"{url}/predictions/irises", body, **kind) for body in [good, b"5"] * 6]
    assert [answer.result().status_code for answer in asked] == [200, 400] * 6
    assert asked[0].result().json() == {"species": "virginica"}


def test_verses_come_word_by_word(url: str) -> None:
    request = {"start": "gulls", "words": 5}
    with httpx.stream("POST", f"{url}/predictions/verses", json=request, timeout=DEADLINE, trust_env=False) as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        text = b"".join(answer.iter_raw())
    assert text == b"gulls and the tide goes\n"


def test_a_batch_of_pictures_keeps_its_order(url: str, folder: Path) -> None:
    names = ["red", "green", "blue"] * 8
    pictures = {name: (folder / "micro_batching" / f"{name}.png").read_bytes() for name in names}
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda name: post(f"{url}/predictions/colours", pictures[name]).text, names))
    assert answers == names


def test_sequences_do_not_mix(url: str) -> None:
    def add(name: str) -> list[int]:
        answers = [
            post(f"{url}/predictions/totals", str(n).encode(), ts_request_sequence_id=name) for n in (1, 2, 3, 4)
        ]
        assert {answer.headers["ts_request_sequence_id"] for answer in answers} == {name}
        return [answer.json()["total"] for answer in answers]

    with ThreadPoolExecutor(4) as pool:
        totals = list(pool.map(add, ["a", "b", "c", "d"]))
    assert totals == [[1, 3, 6, 10]] * 4


def test_a_sequence_without_a_name_gets_one(url: str) -> None:
    first = post(f"{url}/predictions/totals", b"20")
    name = first.headers["ts_request_sequence_id"]
    assert name.startswith("ts-seq-")
    assert post(f"{url}/predictions/totals", b"22", ts_request_sequence_id=name).json()["total"] == 42
