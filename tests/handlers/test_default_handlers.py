"""The default handlers, served: they answer what TorchServe answered to the same requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.command import Server

from tests.handlers.default_models import ANSWERS, REQUESTS, ask, build, differences, picture
from tsnb.archive import collect
from tsnb.handlers import DEFAULT_HANDLERS
from tsnb.handlers.context import Context
from tsnb.handlers.object_detector import ObjectDetector
from tsnb.handlers.text import TextHandler
from tsnb.handlers.text_classifier import TextClassifier
from tsnb.handlers.tokens import get_tokenizer, ngrams_iterator
from tsnb.handlers.vocabulary import load_vocabulary

VOCABULARIES = Path(__file__).parent.parent / "archives" / "vocabularies"
RECORDED = json.loads(ANSWERS.read_text())
MORE_THAN_TORCHSERVE = {"no text": {"bad": 0.34429, "good": 0.65571}}
"""What TorchServe answers with 503."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("defaults")
    build(folder)
    settings = [f"{name}_address=http://127.0.0.1:0" for name in ("inference", "management", "metrics")]
    (folder / "config.properties").write_text(
        "\n".join([*settings, "enable_grpc=false", "default_workers_per_model=1"])
    )
    arguments = ["--model-store", str(folder), "--models", "all", "--disable-token-auth"]
    server = Server(arguments, folder, {"OMP_NUM_THREADS": "1"}, ()).until_ready()
    yield server.url
    server.stop()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_default_handler_answers_as_torchserve_does(url: str, name: str) -> None:
    expected = RECORDED[name]
    if name in MORE_THAN_TORCHSERVE:
        assert expected["status"] == 503
        expected = {"status": 200, "answer": MORE_THAN_TORCHSERVE[name]}
    assert not differences(ask(url, name), expected)


def test_the_archiver_knows_the_same_default_handlers() -> None:
    assert set(collect.DEFAULT_HANDLERS) == set(DEFAULT_HANDLERS)


class Sums(torch.nn.Module):
    """The sum of the ids of each text, for two classes."""

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        texts = torch.tensor_split(ids, offsets[1:].tolist())
        return torch.stack([torch.stack([text.sum().float(), torch.tensor(0.0)]) for text in texts])


def text_classifier() -> TextClassifier:
    handler = TextClassifier()
    handler.model, handler.device = Sums(), torch.device("cpu")
    handler.source_vocab = {"a": 1, "b": 2, "a b": 4}
    return handler


def test_texts_of_a_batch_are_answered_each_for_itself() -> None:
    handler = text_classifier()
    rows: list[dict[str, Any]] = [{"body": "a"}, {"data": "A, b!"}, {"body": bytearray(b"b")}, {"body": ""}]
    prepared = handler.preprocess(rows)
    assert handler.inference(prepared)[:, 0].tolist() == [1, 7, 2, 0]
    for row, answer in zip(rows, handler.postprocess(handler.inference(prepared)), strict=True):
        alone = handler.preprocess([row])
        assert handler.postprocess(handler.inference(alone)) == [answer]


@pytest.mark.parametrize(("file", "number"), [("torchtext_0_6.pt", 3), ("torchtext_0_18.pt", 2)])
def test_vocabularies_of_torchtext_are_read_without_it(file: str, number: int) -> None:
    vocabulary = load_vocabulary(str(VOCABULARIES / file))
    assert vocabulary["film"] == vocabulary.get_stoi()["film"] == number
    assert vocabulary["never heard of"] == vocabulary.get_default_index() == 0
    assert "never heard of" not in vocabulary
    assert vocabulary(["film", "?"]) == vocabulary.lookup_indices(["film", "?"]) == [number, 0]
    assert vocabulary.lookup_token(number) == vocabulary.get_itos()[number] == "film"
    assert len(vocabulary) == len(list(vocabulary))


def test_a_vocabulary_without_a_number_for_unknown_words_says_so() -> None:
    vocabulary = load_vocabulary(str(VOCABULARIES / "torchtext_0_18.pt"))
    vocabulary.default_index = None
    with pytest.raises(KeyError, match="'zebra' is not in the vocabulary"):
        vocabulary["zebra"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<p>I can't &amp; won't</p>", ["i", "cannot", "will", "not"]),
        ("Naïve café — it's 5 o'clock", ["naive", "cafe", "it", "is", "5", "of", "the", "clock"]),
        ("'cause I ain't, y'all've", ["ecause", "i", "as", "not", "you", "allve"]),
        ("a<b and c>d; under_score", ["ad", "underscore"]),
    ],
)
def test_texts_are_cleaned_as_vocabularies_were_made(text: str, words: list[str]) -> None:
    assert TextClassifier()._words(text) == words


def test_words_and_their_neighbours() -> None:
    assert list(ngrams_iterator(["a", "b", "c"], 3)) == ["a", "b", "c", "a b", "b c", "a b c"]
    basic = get_tokenizer("basic_english")
    assert " ".join(basic('It\'s a <br /> b.c, "d;e:f" (g)?h!')) == "it ' s a b . c , d e f ( g ) ? h !"
    assert get_tokenizer(None)("A b") == ["A", "b"]
    assert get_tokenizer(str.split) is str.split
    with pytest.raises(ValueError, match="no tokenizer 'spacy' here"):
        get_tokenizer("spacy")
    with pytest.raises(ValueError, match="English text only, not 'de'"):
        get_tokenizer("basic_english", "de")


def test_a_text_archive_without_a_vocabulary_names_what_is_missing(tmp_path: Path) -> None:
    context = Context("m", str(tmp_path), None, 1, None, "0")
    with pytest.raises(RuntimeError, match=r"Missing source_vocab.pt.*--extra-files"):
        TextHandler().get_source_vocab_path(context)


class Corners(torch.nn.Module):
    """One sure and one doubtful box, the size of the picture."""

    def forward(self, images: Any) -> list[dict[str, torch.Tensor]]:
        return [
            {
                "boxes": torch.tensor([[0.0, 0, image.shape[2], image.shape[1]]] * 2),
                "labels": torch.tensor([4, 5]),
                "scores": torch.tensor([0.75, 0.25]),
            }
            for image in images
        ]


@pytest.mark.parametrize("sizes", [[(4, 3)], [(4, 3), (4, 3)], [(4, 3), (6, 5)]])
def test_pictures_of_a_batch_may_differ_in_size(sizes: list[tuple[int, int]]) -> None:
    handler = ObjectDetector()
    handler.model, handler.device = Corners(), torch.device("cpu")
    prepared = handler.preprocess([{"body": bytearray(picture(*size))} for size in sizes])
    assert isinstance(prepared, torch.Tensor) == (len(set(sizes)) == 1)
    answers = handler.postprocess(handler.inference(prepared))
    assert answers == [[{"4": [0.0, 0.0, width, height], "score": 0.75}] for width, height in sizes]
