"""``ts.handler_utils.distributed.deepspeed``."""

from __future__ import annotations

from tsnb.handlers.deepspeed import create_checkpoints_json, get_ds_engine

__all__ = ["create_checkpoints_json", "get_ds_engine"]
