"""Image transforms with Pillow and torch, equal to torchvision's on the same input.

They need no torchvision: its wheel must match torch's build exactly, and one
that does not breaks every package that tries to import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        """Apply it."""
        for transform in self.transforms:
            image = transform(image)
        return image


class ToRGB:
    """Three channels, whatever the image had (grey, palette, with alpha)."""

    def __call__(self, image: Image.Image) -> Image.Image:
        """Apply it."""
        return image if image.mode == "RGB" else image.convert("RGB")


class Resize:
    """The smaller edge to ``size`` pixels, bilinear and antialiased, the aspect kept."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, image: Image.Image) -> Image.Image:
        """Apply it."""
        width, height = image.size
        if min(width, height) == self.size:
            return image
        longer = int(self.size * max(width, height) / min(width, height))
        target = (self.size, longer) if width <= height else (longer, self.size)
        return image.resize(target, Image.Resampling.BILINEAR)


class CenterCrop:
    """A square of ``size`` pixels from the middle; a smaller image gets a black border first."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, image: Image.Image) -> Image.Image:
        """Apply it."""
        left, top = (self._start(length) for length in image.size)
        return image.crop((left, top, left + self.size, top + self.size))

    def _start(self, length: int) -> int:
        """Where the crop begins along an edge; negative where the border does."""
        if length < self.size:
            return -((self.size - length) // 2)
        return round((length - self.size) / 2.0)


class ToTensor:
    """A Pillow image to a float tensor of channels × height × width, 8-bit values scaled to 0…1."""

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Apply it."""
        pixels = torch.from_numpy(np.array(image, copy=True))
        if image.mode == "1":
            pixels = pixels.to(torch.uint8) * 255
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        tensor = pixels.permute(2, 0, 1).contiguous()
        return tensor.to(torch.get_default_dtype()).div(255) if tensor.dtype == torch.uint8 else tensor


class Normalize:
    """Subtract ``mean`` and divide by ``std``, per channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean = mean
        self.std = std

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        """Apply it."""
        mean = torch.as_tensor(self.mean, dtype=tensor.dtype, device=tensor.device)[:, None, None]
        std = torch.as_tensor(self.std, dtype=tensor.dtype, device=tensor.device)[:, None, None]
        return tensor.clone().sub_(mean).div_(std)
