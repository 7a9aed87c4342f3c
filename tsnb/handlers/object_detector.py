"""The default handler ``object_detector``: boxes, labels and scores (spec 6.4)."""

from __future__ import annotations

from typing import Any

import torch

from tsnb.handlers.images import Compose, ToRGB, ToTensor
from tsnb.handlers.labels import map_class_to_label
from tsnb.handlers.timing import timed
from tsnb.handlers.vision import VisionHandler


class ObjectDetector(VisionHandler):
    """Answers ``[{label: [x1, y1, x2, y2], "score": score}, …]`` for the boxes that score ``threshold`` or more."""

    image_processing = Compose([ToRGB(), ToTensor()])
    threshold = 0.5

    @timed
    def preprocess(self, data: list[dict[str, Any]]) -> Any:
        """One tensor on the device, or a list of tensors where the pictures of a batch differ in size."""
        images = [self._image(row).to(self.device) for row in data]
        return torch.stack(images) if len({image.shape for image in images}) == 1 else images

    @timed
    def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """The model's ``{"boxes", "labels", "scores"}`` per image."""
        with torch.inference_mode():
            return self.model(data, *args, **kwargs)

    @timed
    def postprocess(self, data: list[dict[str, torch.Tensor]]) -> list[Any]:
        """What the model found to one list per request."""
        return [self._found(image) for image in data]

    def _found(self, image: dict[str, torch.Tensor]) -> list[dict[str, Any]]:
        kept = image["scores"] >= self.threshold
        boxes, labels, scores = (image[name][kept].tolist() for name in ("boxes", "labels", "scores"))
        named = map_class_to_label([[box] for box in boxes], self.mapping, [[label] for label in labels])
        return [{**box, "score": score} for box, score in zip(named, scores, strict=True)]
