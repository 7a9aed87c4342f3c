"""``ts.handler_utils.preprocess.dali``."""

from __future__ import annotations

from tsnb.handlers.dali import get_dali_pipeline

__all__ = ["get_dali_pipeline"]
