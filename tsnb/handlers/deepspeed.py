"""Models over several GPUs by DeepSpeed: a base handler and its engine (spec 5.6, 6.7).

model-config.yaml names DeepSpeed's own configuration, a JSON file in the
archive, and where the weights are::

    handler: {model_path: weights}
    deepspeed: {config: ds-config.json, checkpoint: checkpoints.json}
"""

from __future__ import annotations

import json
import os
from abc import ABC
from pathlib import Path
from typing import Any

import torch

from tsnb.handlers.base import BaseHandler
from tsnb.handlers.context import Context
from tsnb.handlers.needs import needed

WEIGHTS = (".bin", ".pt")


class BaseDeepSpeedHandler(BaseHandler, ABC):
    """Takes the GPU that torchrun gave this process; a subclass makes the model and calls :func:`get_ds_engine`."""

    def initialize(self, context: Context) -> None:
        """Choose the device; load nothing."""
        self.model_yaml_config = context.model_yaml_config
        self.manifest = context.manifest
        rank = int(os.environ.get("LOCAL_RANK", "0"))
        self.device = rank if torch.cuda.is_available() else torch.device("cpu")


def create_checkpoints_json(model_path: str, checkpoints_json: str) -> None:
    """Write the list of weight files under a folder as DeepSpeed reads it."""
    found = sorted(str(path) for path in Path(model_path).rglob("*") if path.suffix in WEIGHTS and path.is_file())
    listed = {"type": "ds_model", "checkpoints": found, "version": 1.0}
    Path(checkpoints_json).write_text(json.dumps(listed), encoding="utf-8")


def get_ds_engine(model: Any, ctx: Context) -> Any:
    """DeepSpeed's engine around a model, as model-config.yaml wants it.

    Raises RuntimeError without the package deepspeed, ValueError where the
    configuration is missing.
    """
    settings = ctx.model_yaml_config.get("deepspeed")
    if not isinstance(settings, dict):
        raise ValueError(f"{ctx.model_name} has no section deepspeed in its model-config.yaml")
    deepspeed = needed("deepspeed", "deepspeed", "a DeepSpeed handler")
    model_dir = ctx.system_properties["model_dir"]
    model_path = os.path.join(model_dir, (ctx.model_yaml_config.get("handler") or {}).get("model_path", ""))
    config, checkpoint = (_named(settings, name, model_dir) for name in ("config", "checkpoint"))
    if config is not None and not os.path.isfile(config):
        raise ValueError(f"{ctx.model_name} has no DeepSpeed configuration {settings['config']} in its archive")
    if checkpoint is not None:
        create_checkpoints_json(model_path, checkpoint)
    return deepspeed.init_inference(model, config=config, base_dir=model_path, checkpoint=checkpoint)


def _named(settings: dict[str, Any], name: str, model_dir: str) -> str | None:
    return os.path.join(model_dir, settings[name]) if name in settings else None
