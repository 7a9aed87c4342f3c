"""The default handler ``image_classifier``: the most probable classes of an image (spec 6.4)."""

from __future__ import annotations

from typing import Any

import torch

from tsnb.handlers.images import CenterCrop, Compose, Normalize, Resize, ToRGB, ToTensor
from tsnb.handlers.labels import map_class_to_label
from tsnb.handlers.timing import timed
from tsnb.handlers.vision import VisionHandler

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class ImageClassifier(VisionHandler):
    """Answers ``{label: probability}`` of the ``topk`` best classes, best first."""

    topk = 5
    image_processing = Compose(
        [ToRGB(), Resize(256), CenterCrop(224), ToTensor(), Normalize(IMAGENET_MEAN, IMAGENET_STD)]
    )

    def set_max_result_classes(self, topk: int) -> None:
        """Answer with this many classes."""
        self.topk = topk

    def get_max_result_classes(self) -> int:
        """How many classes an answer has."""
        return self.topk

    @timed
    def postprocess(self, data: torch.Tensor) -> list[Any]:
        """Logits of batch × classes to one dict per request."""
        probabilities, classes = torch.topk(torch.softmax(data, dim=1), self.topk, dim=1)
        return list(map_class_to_label(probabilities.tolist(), self.mapping, classes.tolist()))
