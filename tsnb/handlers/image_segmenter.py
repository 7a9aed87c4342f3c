"""The default handler ``image_segmenter``: the class of each pixel of an image (spec 6.4)."""

from __future__ import annotations

from typing import Any

import torch

from tsnb.handlers.image_classifier import ImageClassifier
from tsnb.handlers.vision import VisionHandler


class ImageSegmenter(VisionHandler):
    """Answers height × width × ``[class number, probability]`` for the 224 × 224 pixels of the prepared image."""

    image_processing = ImageClassifier.image_processing

    def postprocess(self, data: dict[str, torch.Tensor]) -> list[Any]:
        """The model's ``{"out": batch × classes × height × width}`` to one nested list per request."""
        probabilities, classes = torch.softmax(data["out"], dim=1).max(dim=1)
        return torch.stack([classes.type_as(probabilities), probabilities], dim=3).tolist()
