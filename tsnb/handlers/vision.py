"""What handlers of images have in common (spec 6.4)."""

from __future__ import annotations

import base64
import io
from abc import ABC
from functools import cached_property
from typing import Any

import torch
from PIL import Image

from tsnb.handlers.base import BaseHandler
from tsnb.handlers.context import Context
from tsnb.handlers.explaining import attribution
from tsnb.handlers.timing import timed

INTEGRATION_STEPS = 15


class VisionHandler(BaseHandler, ABC):
    """Turns bodies into images; a subclass defines ``image_processing`` (image → tensor) and ``postprocess``."""

    image_processing: Any

    def initialize(self, context: Context) -> None:
        """As the base handler; lifts Pillow's limit on pixels where the server says so."""
        super().initialize(context)
        if not context.system_properties.get("limit_max_image_pixels", True):
            Image.MAX_IMAGE_PIXELS = None

    @timed
    def preprocess(self, data: list[dict[str, Any]]) -> torch.Tensor:
        """Image files (as bytes or base64 text) or lists of numbers to one tensor on the device."""
        return torch.stack([self._image(row) for row in data]).to(self.device)

    def _image(self, row: dict[str, Any]) -> torch.Tensor:
        image = row.get("data") or row.get("body")
        if isinstance(image, str):
            image = base64.b64decode(image)
        if isinstance(image, (bytes, bytearray)):
            return self.image_processing(Image.open(io.BytesIO(image)))  # type: ignore[no-any-return]
        return torch.FloatTensor(image)

    @cached_property
    def ig(self) -> Any:
        """Captum's integrated gradients of the model, made on first use."""
        return attribution("IntegratedGradients", self.model)

    def get_insights(self, tensor_data: torch.Tensor, _: Any, target: int = 0) -> Any:
        """Integrated gradients of ``target`` for each pixel, as nested lists. Needs the package captum."""
        return self.ig.attribute(tensor_data, target=target, n_steps=INTEGRATION_STEPS).tolist()
