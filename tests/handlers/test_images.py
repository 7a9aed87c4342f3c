from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from tsnb.handlers.image_classifier import ImageClassifier
from tsnb.handlers.images import CenterCrop, Normalize, Resize, ToRGB, ToTensor


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize(
    ("size", "resized"),
    [((300, 200), (384, 256)), ((200, 301), (256, 385)), ((256, 999), (256, 999)), ((9, 9), (256, 256))],
)
def test_the_smaller_edge_is_resized(size: tuple[int, int], resized: tuple[int, int]) -> None:
    assert Resize(256)(picture(*size)).size == resized


def test_the_crop_is_taken_from_the_middle_rounding_half_to_even() -> None:
    image = picture(7, 6)
    crop = np.asarray(CenterCrop(4)(image))
    assert np.array_equal(crop, np.asarray(image)[1:5, 2:6])


def test_a_small_image_gets_a_black_border() -> None:
    crop = np.asarray(CenterCrop(5)(Image.new("L", (2, 5), 255)))
    assert crop[0].tolist() == [0, 255, 255, 0, 0]


def test_pixels_become_numbers_from_zero_to_one() -> None:
    image = picture(3, 2)
    tensor = ToTensor()(image)
    assert tensor.shape == (3, 2, 3)
    assert torch.equal(tensor, torch.tensor(np.asarray(image).transpose(2, 0, 1)) / 255)
    assert ToTensor()(Image.new("1", (2, 2), 1)).max() == 1
    assert ToTensor()(Image.new("L", (4, 2))).shape == (1, 2, 4)


def test_channels_are_normalised_and_the_input_is_kept() -> None:
    given = torch.ones(2, 1, 1)
    assert Normalize((0.5, 0.0), (0.5, 2.0))(given).flatten().tolist() == [1.0, 0.5]
    assert given.flatten().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "1", "CMYK"])
def test_every_kind_of_image_becomes_three_channels(mode: str) -> None:
    assert ToRGB()(picture(4, 4, mode)).mode == "RGB"


def test_rows_of_a_batch_may_be_files_base64_text_or_numbers() -> None:
    file = io.BytesIO()
    picture(230, 240).save(file, "PNG")
    handler = ImageClassifier()
    handler.device = torch.device("cpu")
    text = base64.b64encode(file.getvalue()).decode()
    numbers = torch.zeros(3, 224, 224).tolist()
    batch = handler.preprocess([{"body": bytearray(file.getvalue())}, {"data": text}, {"body": numbers}])
    assert batch.shape == (3, 3, 224, 224)
    assert torch.equal(batch[0], batch[1])
    assert not batch[2].any()


def test_the_answer_holds_the_best_classes_in_order() -> None:
    handler = ImageClassifier()
    handler.set_max_result_classes(2)
    handler.mapping = {"0": "a", "1": "b", "2": "c"}
    (answer,) = handler.postprocess(torch.tensor([[1.0, 3.0, 2.0]]))
    assert list(answer) == ["b", "c"]
    assert handler.get_max_result_classes() == 2
    handler.set_max_result_classes(4)
    with pytest.raises(RuntimeError):
        handler.postprocess(torch.tensor([[1.0, 3.0, 2.0]]))
