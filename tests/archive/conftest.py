"""Files to archive, and the archives that torch-model-archiver made of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MADE = Path(__file__).parent.parent / "archives" / "made_by_torch_model_archiver"


@pytest.fixture
def made() -> Path:
    """The folder of archives that torch-model-archiver 0.12 made."""
    return MADE


@pytest.fixture
def source() -> Path:
    """The files those archives were made from."""
    return MADE / "source"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """2 MiB that nothing can compress."""
    path = tmp_path / "weights" / "net.pt"
    path.parent.mkdir()
    path.write_bytes(os.urandom(2 << 20))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def leftovers(cache: Path) -> list[Path]:
    """Model folders and half-written files below a cache."""
    return [*cache.glob("owners/*/models/*"), *cache.glob("owners/*/partial/*")]
