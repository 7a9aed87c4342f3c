"""The two files of an archive that the server itself reads: the manifest and the model config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tsnb.archive.manifest import MANIFEST, Manifest, parse
from tsnb.archive.settings import parse_config

Notes = tuple[str, ...]

Read = Callable[[str], bytes | None]
"""The content of a member, None when there is none of that name."""


def manifest_of(read: Read) -> tuple[Manifest, Notes]:
    """The manifest, the default one when there is none. Raises InvalidModel."""
    data = read(MANIFEST)
    if data is None:
        return Manifest(), (f"There is no {MANIFEST}; runtime python and version 1.0 are assumed.",)
    return parse(data), ()


def config_of(manifest: Manifest, read: Read) -> tuple[dict[str, Any], Notes]:
    """The settings in the file that the manifest calls its config. Raises InvalidModel."""
    name = manifest.entry.config_file
    if not name:
        return {}, ()
    data = read(name)
    if data is None:
        return {}, (f"The manifest names the config file {name}, which is not in the archive.",)
    return parse_config(data, name)
