"""Image handlers that read and resize with NVIDIA's DALI, on the GPU if there is one (spec 6.7).

model-config.yaml says how; without a pipeline file the images are prepared as
``image_classifier`` does it::

    dali: {batch_size: 4, num_threads: 2, device_id: 0, seed: 1, pipeline_file: own.dali}
"""

from __future__ import annotations

import os
from abc import ABC
from typing import Any

import numpy as np
import torch

from tsnb.handlers.context import Context
from tsnb.handlers.image_classifier import IMAGENET_MEAN, IMAGENET_STD
from tsnb.handlers.needs import needed
from tsnb.handlers.vision import VisionHandler

PACKAGE = "nvidia-dali-cuda120"
DEFAULTS = {"batch_size": 1, "num_threads": 1, "seed": -1, "prefetch_queue_depth": 1}


class DALIHandler(VisionHandler, ABC):
    """Prepares whole batches with a DALI pipeline; a subclass defines ``postprocess``."""

    def initialize(self, context: Context) -> None:
        """As the base handler, and the pipeline."""
        super().initialize(context)
        self.pipeline = get_dali_pipeline(context)

    def preprocess(self, data: list[dict[str, Any]]) -> torch.Tensor:
        """Image files to one tensor on the device."""
        files = [np.frombuffer(row.get("data") or row.get("body") or b"", dtype=np.uint8) for row in data]
        (images,) = self.pipeline.run(source=files)
        images = images.as_cpu() if hasattr(images, "as_cpu") else images
        return torch.stack([torch.from_numpy(np.array(images.at(row))) for row in range(len(files))]).to(self.device)


def get_dali_pipeline(ctx: Context) -> Any:
    """The pipeline that model-config.yaml asks for under ``dali``.

    Raises RuntimeError without DALI or where the pipeline file is missing,
    ValueError without a section ``dali``.
    """
    settings = ctx.model_yaml_config.get("dali")
    if not isinstance(settings, dict):
        raise ValueError(f"{ctx.model_name} has no section dali in its model-config.yaml")
    dali = needed("nvidia.dali", PACKAGE, "a DALI handler")
    options = {name: settings.get(name, default) for name, default in DEFAULTS.items()}
    options |= {"device_id": settings.get("device_id") if torch.cuda.is_available() else None}
    named = settings.get("pipeline_file")
    if named is None:
        pipeline = _default_pipeline(dali, options)
    else:
        path = os.path.join(ctx.system_properties["model_dir"], named)
        if not os.path.isfile(path):
            raise RuntimeError(f"Missing the DALI pipeline file {named}")
        pipeline = dali.Pipeline.deserialize(filename=path, **options)
    pipeline.build()
    return pipeline


def _default_pipeline(dali: Any, options: dict[str, Any]) -> Any:
    """Read, resize the shorter edge to 256, crop 224 from the middle, normalise."""
    fn = needed("nvidia.dali.fn", PACKAGE, "a DALI handler")
    pipeline = dali.Pipeline(**options)
    with pipeline:
        files = fn.external_source(name="source")
        images = fn.decoders.image(files, device="cpu" if options["device_id"] is None else "mixed")
        images = fn.resize(images, resize_shorter=256)
        mean, std = ([255 * value for value in numbers] for numbers in (IMAGENET_MEAN, IMAGENET_STD))
        images = fn.crop_mirror_normalize(images, crop=(224, 224), mean=mean, std=std, dtype=dali.types.FLOAT)
        pipeline.set_outputs(images)
    return pipeline
