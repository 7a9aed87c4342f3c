"""``ts.model_loader``."""

from __future__ import annotations

from tsnb.handlers.service import ModelLoader, ModelLoaderFactory, TsModelLoader

__all__ = ["ModelLoader", "ModelLoaderFactory", "TsModelLoader"]
