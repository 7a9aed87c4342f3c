"""After a swap the archive holds the old code. A small one is written anew at once, a large one when the user says so.

Writing 1 GB takes seconds, which nobody wants to wait for after an edit.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb import html
from tsnb.errors import TsnbError
from tsnb.magics.swapping import Live, state_of

if TYPE_CHECKING:
    from tsnb.archive.read import Archive

SMALL = 16_000_000
"""Bytes up to which an archive is rewritten at once."""


def refresh(live: Live, files: Mapping[str, str], provenance: Mapping[str, Any]) -> str:
    """Bring new text files into the archive of a version that was swapped; what to tell the user of it."""
    archive = live.archive
    if archive is None:
        return ""
    if state_of(archive) != live.state:
        return f"{archive.name} is another one than was served, and stays as it is; %archive writes it anew"
    if not archive.is_file() or archive.suffix != ".mar" or archive.stat().st_size > SMALL:
        size = f" ({html.bytes_text(archive.stat().st_size)})" if archive.is_file() else ""
        return f"{archive.name}{size} still holds the code from before; %archive writes it anew"
    try:
        _rewrite(archive, files, provenance)
    except (TsnbError, OSError) as error:
        return f"{archive.name} still holds the code from before: {error}"
    live.state = state_of(archive)
    return f"{archive.name} has it too"


def _rewrite(archive: Path, files: Mapping[str, str], provenance: Mapping[str, Any]) -> None:
    from tsnb.archive.read import open_archive
    from tsnb.archive.write import archive as write

    held = open_archive(archive)
    entry = held.manifest.entry
    with tempfile.TemporaryDirectory(prefix="tsnb-refresh-") as place:
        folder = Path(place)
        _unpack(held, folder)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        write(
            entry.model_name or archive.stem,
            version=held.manifest.version,
            handler=folder / (entry.handler or ""),
            serialized_file=_inside(folder, entry.serialized_file),
            model_file=_inside(folder, entry.model_file),
            requirements_file=_inside(folder, entry.requirements_file),
            config_file=_inside(folder, entry.config_file),
            extra_files=[folder],
            runtime=held.manifest.runtime or "python",
            export_path=archive.parent,
            force=True,
            provenance={**held.provenance, **provenance},
        )


def _unpack(held: Archive, folder: Path) -> None:
    from tsnb.archive.safety import contain

    for name in held.files:
        target = contain(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with held.open(name) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)


def _inside(folder: Path, name: str | None) -> Path | None:
    return folder / name if name else None
