"""Where archives are unpacked to, and how much of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tsnb.archive.safety import Limits
from tsnb.config import Config


def cache_folder(config: Config) -> Path:
    """One folder for each user of this machine, unless the settings name another."""
    return Path(config.cache_dir or Path(tempfile.gettempdir()) / f"tsnb-{os.getuid()}")


def limits(config: Config) -> Limits:
    """Beyond these an archive is refused."""
    return Limits(config.max_archive_size, config.max_archive_files, config.max_archive_ratio)
