"""Small models for the default handlers, and requests to them. TorchServe answered the same requests."""

from __future__ import annotations

import base64
import importlib
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from PIL import Image

from tsnb.archive.write import archive
from tsnb.handlers.modules import list_classes_from_module
from tsnb.handlers.text_classifier import TextClassifier
from tsnb.handlers.tokens import ngrams_iterator

FOLDER = Path(__file__).parent
TOLERANCE = 1e-5
ANSWERS = FOLDER / "torchserve_answers.json"
SENTENCES = ("a good film", "what a wonderful film", "It's awful & bad. I can't", "what an awful bad story")
NAMES = {
    "few": None,
    "classifier": {str(number): ["n0", f"class {number}"] for number in range(7)},
    "segmenter": None,
    "detector": {"object_type_names": ["none", "red", "green", "blue"]},
    "opinion": {"0": "bad", "1": "good"},
}
HANDLERS = {
    "few": "image_classifier",
    "classifier": "image_classifier",
    "segmenter": "image_segmenter",
    "detector": "object_detector",
    "opinion": "text_classifier",
}


def picture(width: int, height: int) -> bytes:
    """A PNG with a red, a green and a blue slope, the blue one dark."""
    down, right = np.mgrid[0:height, 0:width]
    pixels = np.stack([right * 255 // width, down * 127 // height + 128, right * 90 // width], axis=2)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def grey() -> bytes:
    """A picture with one channel."""
    file = io.BytesIO()
    Image.new("L", (30, 20), 200).save(file, "PNG")
    return file.getvalue()


TEXT = {"content-type": "text/plain"}
JSON = {"content-type": "application/json"}


def form(*parts: tuple[str, str, bytes]) -> tuple[bytes, dict[str, str]]:
    """A multipart body of (name, content type, value), and its header."""
    lines = []
    for name, kind, value in parts:
        head = (
            f'--frontier\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\nContent-Type: {kind}\r\n\r\n'
        )
        lines += [head.encode(), value, b"\r\n"]
    return b"".join([*lines, b"--frontier--\r\n"]), {"content-type": "multipart/form-data; boundary=frontier"}


PIXELS = json.dumps(np.full((3, 5, 5), 0.5).tolist()).encode()
REQUESTS: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "landscape": ("predictions/classifier", picture(400, 300), {}),
    "portrait": ("predictions/classifier", picture(150, 333), {"content-type": "image/png"}),
    "smaller than the crop": ("predictions/classifier", picture(20, 20), {}),
    "base64": ("predictions/classifier", json.dumps(base64.b64encode(picture(300, 300)).decode()).encode(), JSON),
    "numbers": ("predictions/classifier", json.dumps(np.full((3, 6, 6), 0.5).tolist()).encode(), JSON),
    "no image": ("predictions/classifier", b"this is no image", {}),
    "empty": ("predictions/classifier", b"", {}),
    "explained picture": ("explanations/classifier", json.dumps(np.full((3, 5, 5), 0.5).tolist()).encode(), JSON),
    "explained for a class": (
        "explanations/classifier",
        *form(("data", "application/json", PIXELS), ("target", "application/json", b"3")),
    ),
    "explained for no class": (
        "explanations/classifier",
        *form(("data", "application/json", PIXELS), ("target", "application/json", b"99")),
    ),
    "a form with a file": ("predictions/classifier", *form(("data", "image/png", picture(300, 300)))),
    "a form with base64": (
        "predictions/classifier",
        *form(("body", "text/plain", base64.b64encode(picture(300, 300)))),
    ),
    "fewer classes than answers": ("predictions/few", picture(300, 300), {}),
    "boxes of base64": ("predictions/detector", json.dumps(base64.b64encode(picture(90, 60)).decode()).encode(), JSON),
    "pixels as numbers": ("predictions/segmenter", json.dumps(np.full((3, 8, 8), 0.5).tolist()).encode(), JSON),
    "words of a form": ("predictions/opinion", *form(("data", "text/plain", b"A good, good film"))),
    "explained words for a class": (
        "explanations/opinion",
        *form(("data", "text/plain", b"a good film"), ("target", "application/json", b"1")),
    ),
    "pixels": ("predictions/segmenter", picture(224, 300), {}),
    "boxes": ("predictions/detector", picture(90, 60), {}),
    "nothing to see": ("predictions/detector", picture(1, 1), {}),
    "good words": ("predictions/opinion", b"What a <b>wonderful</b> film!", TEXT),
    "bad words as bytes": ("predictions/opinion", b"It's awful &amp; bad. I can't", {}),
    "unknown words": ("predictions/opinion", b"zebra", TEXT),
    "explained words": ("explanations/opinion", b"a good film", TEXT),
    "no text": ("predictions/opinion", b"", TEXT),
}


def build(store: Path) -> None:
    """Archive the four models into a store, with weights that are the same everywhere."""
    for name, handler in HANDLERS.items():
        weights = store / f"{name}.pth"
        torch.save(_model(name).state_dict(), weights)
        extra = []
        if NAMES[name] is not None:
            extra.append(store / "index_to_name.json")
            extra[0].write_text(json.dumps(NAMES[name]))
        if name == "opinion":
            extra.append(store / "source_vocab.pt")
            torch.save(_vocabulary(), extra[-1])
        archive(
            name,
            version="1.0",
            handler=handler,
            model_file=str(FOLDER / f"{name}.py"),
            serialized_file=str(weights),
            extra_files=",".join(map(str, extra)),
            export_path=str(store),
        )
        for path in (weights, *extra):
            path.unlink()


def _model(name: str) -> Any:
    (cls,) = list_classes_from_module(importlib.import_module(f"tests.handlers.default_models.{name}"))
    model = cls()
    for parameter in model.parameters():
        if parameter.ndim:
            parameter.data = torch.sin(torch.arange(parameter.numel()) * 0.7).reshape(parameter.shape)
    return model


def _vocabulary() -> dict[str, int]:
    """A number for every word and pair of words of some sentences."""
    texts = [ngrams_iterator(TextClassifier()._words(text), 2) for text in SENTENCES]
    return {token: number for number, token in enumerate(sorted({token for text in texts for token in text}), 1)}


def ask(url: str, name: str) -> dict[str, Any]:
    """Status and answer of one request, as they are recorded."""
    path, body, headers = REQUESTS[name]
    answer = httpx.post(f"{url}/{path}", content=body, headers=headers, timeout=60, trust_env=False)
    return {"status": answer.status_code, "answer": _thinned(answer.json())}


def _thinned(value: Any) -> Any:
    """Every 37th element of long lists: the 100,000 numbers of a segmented picture need not all be kept."""
    if not isinstance(value, list):
        return value
    return [_thinned(item) for item in (value[::37] if len(value) > 37 else value)]


def differences(ours: Any, theirs: Any) -> bool:
    """Whether two answers differ in more than the last digits of a number, order included."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return list(ours) != list(theirs) or any(differences(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) != len(theirs) or any(map(differences, ours, theirs))
    return not (ours == theirs or (isinstance(ours, float) and abs(ours - theirs) < TOLERANCE))
